"""Names of columns."""

import pytest

from regulars.customers.imports import headings
from regulars.customers.imports.headings import FULL_NAME, HEADINGS, NAME, OTHER_HEADINGS, REVERSED_NAME, find_heading
from regulars.customers.imports.mapping import TARGETS

EXAMPLES = {
    NAME: "Ad; Adı; İsim; ISIM; isim; Name; Nom; Müşteri Adı; Hasta İsmi; Customer Name; Ad *; Adı:",
    FULL_NAME: "Ad Soyad; Adı Soyadı; ADI SOYADI; Ad-Soyad; Adı / Soyadı; AdSoyad; İsim Soyisim; Full Name; full_name;"
    " Müşteri Adı Soyadı; Müşteri; Hasta Adı Soyadı; Vor- und Nachname; Nom complet; Prénom Nom",
    REVERSED_NAME: "Soyadı Adı; Soyadı, Adı; Nachname, Vorname; Name, Vorname; Nom et prénom; NOM Prénom",
    "first_name": "first_name; First Name; FirstName; Given Name; Vorname; Prénom; Prenom; PRÉNOM; Forename",
    "last_name": "Soyad; Soyadı; SOYADI; Soyisim; Soy Ad; Surname; Last Name; Family Name; Nachname; Nom de famille",
    "middle_name": "Middle Name; Additional Name; İkinci Adı; Zweiter Vorname",
    "phone_number": "Telefon; Telefon No; Telefon Numarası; Cep Tel.; Cep Tel; Cep Telefonu; GSM; Gsm No; Tel; Tel.;"
    " TELEFON; Telefon (Cep); Mobile Phone; Phone 1 - Value; Phone Number; Mobile; Handy; Handy-Nr.; Telefonnummer;"
    " Téléphone portable; Téléphone; N° de téléphone; Primary Phone; Müşteri Telefonu; Telefon / Phone; WhatsApp;"
    " Cep Telefonu 1; Telefon1; tel_no; phone_mobile; Tel. mobil; Contact No; İrtibat",
    "email": "E-posta; Eposta; E-Posta Adresi; e-mail; Email; E-Mail-Adresse; E-mail Address; E-mail 1 - Value; Mail;"
    " Courriel; Adresse e-mail; Mail adresi",
    "date_of_birth": "Doğum Tarihi; DOĞUM TARİHİ; dogum tarihi; D. Tarihi; D.Tarihi; Doğ. Tar.; Geburtsdatum; "
    "Geb.-Datum; geb. am; Date de naissance; Né(e) le; Birthday; Date of Birth; DOB; D.O.B.; Birth date;"
    " Doğum Tarihi (GG.AA.YYYY)",
    "gender": "Cinsiyet; CİNSİYET; Cinsiyeti; Geschlecht; Sexe; Gender; Sex; Anrede; Civilité",
    "country_name": "Ülke; Country; Land; Pays; Country/Region; Home Country/Region; Address 1 - Country",
    "country_code": "Ülke Kodu; Country Code; Ländercode; Code pays",
    "identity_number": "TC Kimlik No; T.C. Kimlik No; T.C. KİMLİK NUMARASI; TCKN; TC No; TC; Kimlik No; Pasaport No;"
    " National ID; Ausweisnummer",
    "job": "Meslek; MESLEĞİ; Job; Job Title; Occupation; Beruf; Profession; Organization Title",
    "address": "Adres; ADRES; Adresi; Ev Adresi; Address; Anschrift; Adresse; Address 1 - Formatted",
    "address_street": "Home Street; Address 1 - Street; Street Address; Straße; Strasse; Rue; Cadde/Sokak",
    "address_postal_code": "Postal Code; Zip Code; Posta Kodu; PLZ; PLZ/Ort; Code postal; Address 1 - Postal Code",
    "address_city": "City; İlçe; ILCE; İlçe/İl; Ort; Stadt; Ville; Home City; Address 1 - City",
    "address_region": "State; State/Region; İl; İli; Şehir; Bundesland; Home State; Address 1 - Region",
    "tags": "Etiketler; Etiket; Tags; Labels; categories; Group Membership; Kategorien; Étiquettes; Grup",
    None: "Notlar; Notes; Faks; Home Fax; Kayıt Tarihi; Son Ziyaret; Anniversary; ID; No; Company; Acil Durum Telefonu;"
    " Vergi No; Kunden-Nr.; Client ID; KVKK; Yaş; Müşteri Kodu",
}


@pytest.mark.parametrize(
    ("target", "heading"),
    [(target, heading.strip()) for target, text in EXAMPLES.items() for heading in text.split(";")],
)
def test_known_headings(target: str | None, heading: str) -> None:
    found = find_heading(heading)
    assert found is not None
    assert found[0] == target


@pytest.mark.parametrize("heading", ["", "   ", "???", "Spalte 7", "Renk", "Phone 1 - Label", "Nickname"])
def test_unknown_headings(heading: str) -> None:
    assert find_heading(heading) is None


def test_the_better_name_has_the_lower_rank() -> None:
    ranks = [find_heading(name) for name in ("Mobile Phone", "Phone", "Home Phone", "Business Phone", "Other Phone")]
    assert ranks == sorted(ranks, key=lambda found: found[1] if found else -1)


def test_every_name_has_one_target() -> None:
    keys = [key for names in (*HEADINGS.values(), OTHER_HEADINGS) for key in headings._keys(names)]
    assert sorted(keys) == sorted(set(keys))
    assert "" not in keys


def test_every_target_names_itself() -> None:
    assert set(HEADINGS) <= {*TARGETS, NAME}
    for target in HEADINGS:
        found = find_heading(target)
        assert found is not None
        assert found[0] == target
