"""Phone numbers and e-mail addresses are read as the libraries read them, but faster."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.phone_numbers import read_phone_number
from regulars.customers.validation import read_email
from regulars.validation import quote


def parsed_number(text: str, region: str) -> str | None:
    """Return the result of the phonenumbers library for a number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
NUMBERS = st.builds(
    lambda start, code, digits: f"{start}{code}{digits}",
    st.sampled_from(["+", "00", "0", ""]),
    st.one_of(st.just(""), st.sampled_from(CODES).map(str)),
    st.from_regex(r"[0-9]{3,12}", fullmatch=True),
)
REGIONS = st.one_of(
    st.sampled_from(["TR", "US", "DE", "GB", "IT", "FR", "RU", "KZ", "MX", "AR", "BR"]),
    st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
)


@settings(max_examples=300)
@given(NUMBERS, REGIONS)
@example("+390612345678", "TR")
@example("05321112233", "TR")
def test_a_phone_number_is_read_as_the_library_reads_it(text: str, region: str) -> None:
    assume(len(text) <= CUSTOMER_FIELDS["phone_number"].limit)
    try:
        found: str | None = read_phone_number(text, region)
    except ValueError:
        found = None
    assert found == parsed_number(text, region)


LOCAL_PARTS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_+.\-]{0,70}", fullmatch=True),
    st.sampled_from(["Info", "POSTMASTER", "sales", "a..b", ".a", "a.", "'", "a b", '"a"', "ş", "é" * 40]),
)
EMAIL_DOMAINS = st.one_of(
    st.sampled_from(
        [
            *("example.com", "EXAMPLE.com", "bücher.example.com", "BÜCHER.example.com", "xn--bcher-kva.example.com"),
            *(
                "",
                "localhost",
                "example",
                "example..com",
                "-a.com",
                "a_b.com",
                "test",
                "x.test",
                "[127.0.0.1]",
                "1.2.3.4",
            ),
            *(
                ".".join(["王" * 20] * 6) + ".com",
                ".".join(["x" * 50] * 3) + ".com",
                "ﬁ.com",
                "a@b.com",
                "b.com>",
                "\u00ad",
            ),
        ]
    ),
    st.from_regex(r"[a-zA-Z0-9.\-]{1,30}\.(com|org)", fullmatch=True),
)


@settings(max_examples=300)
@given(LOCAL_PARTS, EMAIL_DOMAINS)
def test_an_email_address_is_read_as_the_library_reads_it(local_part: str, domain: str) -> None:
    text = f"{local_part}@{domain}"
    try:
        expected: str | None = validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        expected = None
    try:
        found: str | None = read_email(text)
    except ValueError:
        found = None
    assert found == expected


def test_quoted_values_are_short_and_without_control_characters() -> None:
    assert quote("a\x1b[2J\n\u009b\ud800" + "x" * 90) == '"a\ufffd[2J\ufffd\ufffd\ufffd' + "x" * 42 + '…"'
