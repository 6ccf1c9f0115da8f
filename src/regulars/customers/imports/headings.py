"""Names of columns in English, Turkish, German and French, and in the exports of other programs."""

import re
from collections.abc import Mapping
from functools import cache

from regulars.text import fold

FULL_NAME = "full_name"
"""A target for first and last name in one column."""
REVERSED_NAME = "reversed_name"
"""A target for last and first name, in this order, in one column."""
MIDDLE_NAME = "middle_name"
"""A target for a second first name."""
ADDRESS_STREET = "address_street"
ADDRESS_POSTAL_CODE = "address_postal_code"
ADDRESS_CITY = "address_city"
ADDRESS_REGION = "address_region"
ADDRESS_PARTS = (ADDRESS_STREET, ADDRESS_POSTAL_CODE, ADDRESS_CITY, ADDRESS_REGION)
"""Targets for the parts of an address that has a column for each."""
NAME = "name"
"""The meaning of a heading such as "Ad", which is a first name, a last name or a full name, as other columns tell."""

OWNERS = frozenset(
    "musteri musterinin hasta hastanin uye uyenin danisan ogrenci kisi misafir kunde kunden patient patienten mitglied"
    " kontakt customer client contact member guest user person personal".split()
)
"""Words before the name of a column that do not change its meaning: Müşteri Telefonu, Customer E-mail."""

HEADINGS: Mapping[str, str] = {
    NAME: "Ad, Adı, İsim, İsmi, Name, Nom, Names",
    "first_name": """first_name, Given Name, Forename, Vorname, Vornamen, Prénom, Prénoms, Ön Ad, Ön Adı, İlk Ad,
        İlk İsim, Rufname, Fname""",
    "last_name": """last_name, Family Name, Surname, Soyad, Soyadı, Soyisim, Soyismi, Nachname, Familienname, Zuname,
        Nom de famille, Nom d'usage, Nom de naissance, Second Name, Lname""",
    MIDDLE_NAME: """middle_name, Middle Names, Additional Name, Additional Names, İkinci Ad, İkinci Adı, İkinci İsim,
        Zweiter Vorname, Weitere Vornamen, Zweitname, Deuxième prénom, Second prénom, Autres prénoms""",
    FULL_NAME: """full_name, Ad Soyad, Adı Soyadı, Ad Soyadı, Adı ve Soyadı, Ad ve Soyad, İsim Soyisim, İsim Soyad,
        İsim Soyismi, Adı Soyad, Ad Soyisim, Name Surname, First and Last Name, Vollständiger Name, Vor- und Nachname,
        Vorname Nachname, Vor- und Zuname, Vorname und Nachname, Nom complet, Prénom Nom, Prénom et nom, Display Name,
        Anzeigename, Nom affiché, Formatted Name, FN, Contact, Kontakt, Kişi, İlgili Kişi, Müşteri, Müşteri Ad Soyad,
        Customer, Client, Kunde, Hasta, Patient, Patientin, Üye, Danışan, Misafir, Member, Guest, Student, Öğrenci""",
    REVERSED_NAME: """reversed_name, Soyadı Adı, Soyad Ad, Soyisim İsim, Soyadı ve Adı, Last Name First Name,
        Surname Name, Last First, Nachname Vorname, Name Vorname, Familienname Vorname, Zuname Vorname, Nom Prénom,
        Nom et prénom, Nom & prénom, Noms et prénoms, Nom de famille et prénom""",
    "phone_number": """Mobile Phone, Mobile Phone Number, Phone Mobile, Mobile Number, Mobile No, Mobile, Cell Phone,
        Cell Phone Number, Cell, Cep Telefonu, Cep Telefonu Numarası, Cep Telefon, Cep Tel, Cep Tel No, Cep, Cep No,
        Cep Numarası, Telefon Cep, GSM, GSM No, GSM Numarası, Mobil, Mobil Telefon, Mobil Tel, Mobil No, Handy,
        Handynummer, Handy Nr, Mobilnr, Tel mobil, Telefon mobil, Mobilnummer, Mobilfunk, Mobilfunknummer,
        Téléphone portable, Tél portable, N° portable, Portable, Numéro de portable, Téléphone mobile, Tél mobile,
        WhatsApp, WhatsApp Number, WhatsApp No, phone_number, Phone, Phone No, Phone 1 - Value, Primary Phone,
        Phone 1, Telephone, Telephone Number, Tel, Tel No, Tel Nr, Telefon, Telefonu, Telefon No, Telefon Numarası,
        Telefonnummer, Telefon Nr, Rufnummer, Téléphone, Numéro de téléphone, N° de téléphone, No téléphone, N° tél,
        Tél, Contact Number, Contact No, Ph, Ph No, İletişim, İletişim No, İletişim Numarası, İrtibat, İrtibat No,
        İrtibat Telefonu, Telefon 1, Tel 1, Téléphone 1, Home Phone, Home Phone Number, Phone Home, Ev Telefonu,
        Ev Tel, Telefon Ev, Sabit Telefon, Telefon Privat, Tel Privat, Festnetz, Festnetznummer, Téléphone fixe,
        Tél fixe, Fixe, Téléphone domicile, Business Phone, Work Phone, Office Phone, İş Telefonu, İş Tel, Telefon İş,
        Telefon geschäftlich, Telefon dienstlich, Téléphone professionnel, Téléphone bureau, Other Phone,
        Phone 2 - Value, Phone 2, Telefon 2, Tel 2, Home Phone 2, Business Phone 2, Phone 3 - Value""",
    "email": """email, E-mail Address, Email Addresses, Mail, Mail Address, E-mails, E-posta, E-posta Adresi,
        Mail Adresi, E-mail Adresi, E-mail Adres, E-posta Adres, Elektronik Posta, E-Mail-Adresse, Mailadresse,
        Adresse e-mail, Adresse mail, Adresse électronique, Adresse de courriel, Courriel, Courrier électronique, Mél,
        E-mail 1 - Value, E-mail 1 Address, Email 1, Primary Email, Personal Email, Home Email, Work Email,
        Business Email, E-mail 2 Address, E-mail 2 - Value, Email 2, E-mail 3 Address, E-mail 3 - Value""",
    "date_of_birth": """date_of_birth, Birthday, Birth Date, DOB, BDAY, Born, Doğum Tarihi, Doğum Tarih, Doğum Tar,
        D Tarihi, D Tar, Dğm Tar, Doğ Tar, Doğ Tarihi, DT, Doğum Günü, Doğum, Geburtsdatum, Geburtstag, Geb Datum,
        Gebdat, Geb, Geb am, Geboren, Geboren am, Date de naissance, Date naissance, Naissance, Né(e) le, Né le, DDN,
        Anniversaire""",
    "gender": """gender, Sex, Cinsiyet, Cinsiyeti, Cins, Geschlecht, Sexe, Genre, Anrede, Salutation, Civilité,
        Hitap""",
    "country_name": """country_name, Country, Country/Region, Ülke, Ülkesi, Ülke Adı, Land, Pays, Home Country,
        Home Country/Region, Address 1 - Country, Address Country, Ülke/Bölge, Land/Region, Pays/Région,
        Business Country/Region, Business Country, Address 2 - Country""",
    "country_code": """country_code, Country ISO Code, Ülke Kodu, Ländercode, Länderkürzel, Landeskürzel,
        Ländercode ISO, Code pays""",
    "identity_number": """identity_number, TC Kimlik No, TC Kimlik Numarası, T.C. Kimlik, TC Kimlik Nr, TCKN, TC No,
        TC, TCK No, TC Numarası, T.C. Vatandaşlık No, Vatandaşlık No, Vatandaşlık Numarası, Kimlik No,
        Kimlik Numarası, Kimlik, National ID, National ID Number, National Identity Number,
        National Identification Number, Identity No, Identity Card Number, Personalausweisnummer, Ausweisnummer,
        Ausweis Nr, Numéro d'identité, Numéro national, Carte d'identité, Passport Number, Passport No, Pasaport No,
        Pasaport Numarası, Reisepassnummer, Numéro de passeport, Sozialversicherungsnummer, SVNR, AHV-Nummer,
        Government ID Number, Numéro de sécurité sociale""",
    "job": """job, Job Title, Occupation, Profession, Position, Meslek, Mesleği, Unvan, Unvanı, Görev, Görevi, İş,
        İşi, Beruf, Tätigkeit, Berufsbezeichnung, Métier, Fonction, Poste, Emploi, Organization Title,
        Organization 1 - Title""",
    "address": """address, Full Address, Home Address, Mailing Address, Postal Address, Adres, Adresi, Ev Adresi,
        Açık Adres, Açık Adresi, Adres Bilgisi, İkametgah, İkamet Adresi, Adresse, Anschrift, Wohnadresse,
        Postanschrift, Adresse postale, Adresse complète, Domicile, Address 1 - Formatted, Address 1, Address Line 1,
        Adres 1, Work Address, Business Address, İş Adresi, Other Address, Address 2 - Formatted""",
    ADDRESS_STREET: """address_street, Street Address, Address 1 - Street, Home Street, Street, Street Name, Cadde,
        Sokak, Cadde Sokak, Straße, Str, Rue, Straße Hausnummer, Straße und Hausnummer, Straße Nr, Straße privat,
        Rue domicile, Business Street, Straße geschäftlich, Other Street, Address 2 - Street""",
    ADDRESS_POSTAL_CODE: """address_postal_code, Postal Code, Zip, Zip Code, Zip Postal Code, Postcode, Posta Kodu,
        PLZ, Postleitzahl, Code postal, Home Postal Code, Address 1 - Postal Code, Postleitzahl privat,
        Business Postal Code, Other Postal Code, Address 2 - Postal Code""",
    ADDRESS_CITY: """address_city, City, Town, İlçe, İlçesi, Stadt, Ort, Wohnort, Ville, Home City,
        Address 1 - City, Ort privat, Business City, Other City, Address 2 - City""",
    ADDRESS_REGION: """address_region, State, State/Region, State/Province, Province, İl, İli, Şehir, Şehri,
        Bundesland, Kanton, Home State, Address 1 - Region, Business State, Other State, Address 2 - Region""",
    "tags": """tags, Tag, Labels, Label, Categories, Category, Groups, Group, Group Membership, Etiketler, Etiket,
        Kategori, Kategoriler, Grup, Gruplar, Müşteri Grubu, Schlagwörter, Schlagworte, Kategorien, Kategorie, Gruppe,
        Gruppen, Étiquettes, Étiquette, Catégories, Catégorie, Groupe, Groupes, Libellés""",
}
"""The names of the columns of each target, the best first."""

OTHER_HEADINGS = """Fax, Faks, Home Fax, Business Fax, Other Fax, Faks No, Faxnummer, Télécopie, Notes, Note, Not,
    Notlar, Notiz, Notizen, Açıklama, Bemerkung, Bemerkungen, Remarques, Comments, Comment, Yorum, Kayıt Tarihi,
    Üyelik Tarihi, Son Ziyaret, Son Ziyaret Tarihi, Son Randevu, Son İşlem Tarihi, Randevu Tarihi, Tarih, Date,
    Datum, Create Date, Created, Created Date, Last Activity Date, Last Visit, Last Modified Date, Registration Date,
    Erstellt am, Anlagedatum, Letzter Besuch, Letzter Termin, Date de création, Date d'inscription, Dernière visite,
    Anniversary, Wedding Anniversary, Evlilik Yıldönümü, Evlilik Tarihi, Hochzeitstag, Emergency Contact,
    Emergency Phone, Acil Durum, Acil Durum Telefonu, Acil Telefon, Yakını Telefonu, Veli Telefonu, Anne Telefonu,
    Baba Telefonu, Eş Telefonu, Notfallkontakt, Notfallnummer, Contact d'urgence, Assistant's Phone,
    Company Main Phone, Manager's Name, Assistant's Name, Pager, Telex, Vergi No, Vergi Numarası, Tax Number,
    Steuernummer, IBAN, Fatura No, Kod, Kodu, Code, Yaş, Yaşı, Age, Alter, Âge, ID, No, Nr, Sıra No, Record ID,
    Company, Firma, Şirket, Entreprise, Organization Name, SMS İzni, KVKK, Opt-in, Newsletter, Contact Owner,
    Lead Status, Website, Spouse, Referred By, Father's Name, Baba Adı, Anne Adı, Doğum Yeri, Geburtsort,
    Lieu de naissance, Place of Birth"""
"""Names of columns that are no field of a customer, although their values may look like one."""

MAX_HEADING_LENGTH = 200
"""Longer text names no column, and would take long to search."""
IN_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
WORD = re.compile(r"[^\W_]+")


def find_heading(heading: str) -> tuple[str | None, int] | None:
    """Return the target that a heading names and its rank among the names of this target, the best being 0.

    The target is None for a column that is no field of a customer. Return None if the heading is unknown.
    """
    if len(heading) > MAX_HEADING_LENGTH:
        return None
    # Telefon; Telefon (Cep) and Doğum Tarihi (GG.AA.YYYY); Telefon / Phone; Cep Telefonu 1
    forms = (heading, IN_BRACKETS.sub(" ", heading), heading.partition("/")[0], heading.rstrip(" _0123456789"))
    return next((found for form in forms if (found := _find(WORD.findall(fold(form))))), None)


def _find(words: list[str]) -> tuple[str | None, int] | None:
    found = _ranks().get("".join(words))
    return found if found or not words or words[0] not in OWNERS else _ranks().get("".join(words[1:]))


@cache
def _ranks() -> dict[str, tuple[str | None, int]]:
    others: dict[str, tuple[str | None, int]] = dict.fromkeys(_keys(OTHER_HEADINGS), (None, 0))
    targets = {key: (target, rank) for target, names in HEADINGS.items() for rank, key in enumerate(_keys(names))}
    return others | targets


def _keys(names: str) -> list[str]:
    """Return the folded names without what is not a letter or a digit, and without repetitions (Tel, Tél)."""
    return list(dict.fromkeys("".join(WORD.findall(fold(name))) for name in names.split(",")))
