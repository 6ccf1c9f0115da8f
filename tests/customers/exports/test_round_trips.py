"""An export that is imported into another tenant gives the same customers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regulars.customers.exports.vcards import VCARD_COLUMNS
from regulars.customers.imports.cells import filled_name, filled_text
from regulars.customers.imports.countries import read_country
from regulars.customers.tags import create_tag
from regulars.tenants.countries import list_countries
from regulars.validation import trim
from tests.cli.test_import_own_format import GOOD_COLUMNS, GOOD_ROW
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.shop import CommandResult, Shop, as_csv
from tests.support.world import World

TAGS = ("VIP", "İyi, müşteri", "=1+1", "'=1", "a;b", "ılık ☃")
# XLSX cannot store the characters U+FFFE and U+FFFF, which Unicode does not assign.
LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Cn"))
STARTS = st.sampled_from(
    ["", "=", "+", "-1-", "@", "'", "'=", "''+", '="1"', '"', ",", ";", "İ", "ı", "_x0041_", "👩‍👧", "\\n"]
)
TEXT = st.builds(lambda start, rest: (start + rest).strip(), STARTS, st.text(LETTERS, max_size=90)).map(trim)
ADDRESS = st.lists(TEXT, max_size=4).map("\n".join).map(trim)
TAG_CELL = st.lists(st.sampled_from(TAGS), unique=True).map("|".join)
NASTY_ROWS = st.lists(st.tuples(GOOD_ROW, TEXT.filter(bool), TEXT, ADDRESS, TAG_CELL), min_size=1, max_size=10)
CONTACTS = st.lists(
    st.fixed_dictionaries(
        {
            "first_name": TEXT.filter(lambda text: bool(filled_name(text))),
            "last_name": TEXT.filter(lambda text: filled_name(text) == text),
            "phone_number": st.sampled_from(["", "+905321112233", "+442079460958"]),
            "email": st.sampled_from(["", "Ayse@example.com", "ı@example.com", "a+b@bücher.example.com"]),
            "date_of_birth": st.sampled_from(["", "1900-01-01", "2000-02-29"]),
            "gender": st.sampled_from(["", "male", "female", "other"]),
            "country_code": st.sampled_from(["", "TR", "DE", "AX", "CI", "TC"]),
            "job": TEXT.filter(lambda text: filled_text(text) == text),
            "address": ADDRESS.filter(lambda text: filled_text(text) == text),
            "tags": TAG_CELL,
        }
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database(request.param)) as made:
        yield made


def opened(world: World) -> Shop:
    """Return a new tenant with tags."""
    shop = Shop.opened(world)
    for name in TAGS:
        create_tag(world.database, shop.tenant, name, "#000000")
    return shop


def copied(shop: Shop, file: str, *options: object) -> Shop:
    """Export the customers to a file, import it into a new tenant, and return that."""
    assert shop.export("--output", file, *options) == CommandResult(0, b"", "")
    copy = opened(shop.world)
    done = copy.load(Path(file).read_bytes(), "--yes", "--match-by", "none", file=f"copy-{file}")
    assert (done.status, done.stderr) == (0, ""), done.text
    return copy


def load(shop: Shop, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Import rows of text, none of which is escaped."""
    content = as_csv([columns, *([escaped(cell) for cell in row] for row in rows)])
    done = shop.load(content, "--match-by", "none")
    assert (done.status, done.stderr) == (0, ""), done.text


def escaped(cell: str) -> str:
    return "'" + cell if cell.startswith("'") else cell


@pytest.mark.parametrize("file", ["customers.xlsx", "customers.jsonl", "customers.csv"])
@settings(max_examples=12)
@given(rows=NASTY_ROWS)
def test_every_column_of_a_table_is_the_same(
    world: World, file: str, rows: list[tuple[tuple[str, ...], str, str, str, str]]
) -> None:
    shop = opened(world)
    columns = (*GOOD_COLUMNS, "tags")
    merged = [
        (*(first_name, last_name), *row[2:9], address, *row[10:], tags)
        for row, first_name, last_name, address, tags in rows
    ]
    load(shop, columns, merged)
    assert copied(shop, file).exported() == shop.exported()


@settings(max_examples=25)
@given(contacts=CONTACTS)
@example(contacts=[dict.fromkeys(VCARD_COLUMNS, "") | {"first_name": "=A", "address": "é" * 490 + "\n\\n;,\\"}])
@example(contacts=[dict.fromkeys(VCARD_COLUMNS, "") | {"first_name": "x" * 70 + "BEGIN:VCARD", "job": "END:VCARD"}])
def test_every_field_of_a_contact_is_the_same(world: World, contacts: list[dict[str, str]]) -> None:
    shop = opened(world)
    columns = [name for name in contacts[0] if name != "country_name"]
    load(shop, columns, [[contact[name] for name in columns] for contact in contacts])
    copy = copied(shop, "contacts.vcf")
    assert fields_of_contacts(copy) == fields_of_contacts(shop)


def fields_of_contacts(shop: Shop) -> list[list[str]]:
    return sorted([customer[name] for name in VCARD_COLUMNS] for customer in shop.customers())


def test_every_country_of_an_address_is_read(world: World) -> None:
    countries = list_countries(world.database)
    assert [read_country(country.name, "") for country in countries] == [country.code for country in countries]


def test_customers_in_the_trash_are_not_contacts(empty_world: World) -> None:
    shop = opened(empty_world)
    shop.load("first_name,deleted_at\nAli,\nCan,2020-02-29T23:59:59Z\n")
    assert [customer["first_name"] for customer in copied(shop, "contacts.vcf").customers()] == ["Ali"]
    trash = copied(shop, "contacts.vcf", "--trashed").customers()
    assert [(customer["first_name"], customer["deleted_at"]) for customer in trash] == [("Can", "")]


@pytest.mark.parametrize("file", ["customers.xlsx", "customers.jsonl", "customers.csv"])
def test_some_columns_are_imported_too(empty_world: World, file: str) -> None:
    shop = opened(empty_world)
    shop.load("id,first_name,email,deleted_at,tags\n7,Ali,a@example.com,2020-02-29T00:00:00Z,VIP|a;b\n")
    [customer] = copied(shop, file, "--columns", "tags,deleted_at,first_name,id").customers()
    assert customer["email"] == ""
    expected = {"id": "7", "first_name": "Ali", "deleted_at": "2020-02-29T00:00:00Z", "tags": "a;b|VIP"}
    assert {name: customer[name] for name in expected} == expected
