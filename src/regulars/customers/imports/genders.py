"""Genders by their names and abbreviations in English, Turkish, German and French."""

from regulars.i18n import _
from regulars.text import fold_uncached
from regulars.validation import quote

MALE = "male m man men boy mr erkek e bay bey oglan mannlich maennlich mann herr homme h masculin monsieur garcon"
FEMALE = (
    "female f woman women girl w mrs ms miss kadin k bayan hanim kiz weiblich frau femme feminin madame mme mlle fille"
)
OTHER = "other o x nonbinary nb diger divers d autre nonbinaire"
UNKNOWN = "unknown unspecified belirtilmemis bilinmiyor unbekannt inconnu u"
GENDERS = {
    name: gender
    for gender, names in (("male", MALE), ("female", FEMALE), ("other", OTHER), ("", UNKNOWN))
    for name in names.split()
}


def read_gender_name(text: str, country: str) -> str:
    """Return male, female or other; empty text if it says that the gender is unknown.

    In Türkiye, H is refused: it is Hanım (female) to some and Homme to nobody. Raise ValueError with a rule to follow
    the column's name.
    """
    name = "".join(letter for letter in fold_uncached(text) if letter.isalpha())
    gender = GENDERS.get(name)
    if gender is None or (name == "h" and country == "TR"):
        raise ValueError(_("must be a gender such as female, male or other, not {value}", value=quote(text)))
    return gender
