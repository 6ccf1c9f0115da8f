"""The countries, members and channels to which a row of a file refers."""

from collections.abc import Callable, Iterator

import pytest

from regulars.accounts.memberships import add_member
from regulars.accounts.users import create_user
from regulars.customers.imports.references import ReferenceNames, load_reference_names
from regulars.i18n import translate
from regulars.permissions import Role
from tests.conftest import FreshDatabase
from tests.support.world import PASSWORD, World


@pytest.fixture(scope="module")
def world(fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database("sqlite")) as world:
        create_user(world.database, email="other.bob@example.com", name="Bob", password=PASSWORD)
        add_member(world.database, world.clinic, "other.bob@example.com", Role.AGENT)
        yield world


@pytest.fixture
def names(world: World) -> ReferenceNames:
    return load_reference_names(world.database, world.clinic)


def test_countries_are_found_by_code_and_name(names: ReferenceNames) -> None:
    assert names.country_of_code("tr") == names.country_of_name("TURKIYE") == 792


def test_members_are_found_by_address_and_name(names: ReferenceNames, world: World) -> None:
    assert names.member_of_email("ALICE@example.com") == names.member_of_name("Alice") == world.alice


def test_channels_are_found_by_id(names: ReferenceNames) -> None:
    assert names.channel("1") == 1


UNKNOWN: list[tuple[Callable[[ReferenceNames], Callable[[str], int]], str, str]] = [
    (lambda names: names.country_of_code, "XX", 'must be a country code of two letters, such as TR, not "XX"'),
    (lambda names: names.country_of_name, "Atlantis", 'must be the name of a country, such as Türkiye, not "Atlantis"'),
    (lambda names: names.member_of_email, "x", 'must be the e-mail address of a member of this tenant, not "x"'),
    (lambda names: names.member_of_name, "Charlie", 'must be the name of a member of this tenant, not "Charlie"'),
    (lambda names: names.member_of_name, "Bob", 'several members have the name "Bob". Use user_email instead'),
    (lambda names: names.channel, "99", 'must be the id of a channel of this tenant, not "99"'),
    (lambda names: names.channel, "²", 'must be the id of a channel of this tenant, not "²"'),
]


@pytest.mark.parametrize(("finder", "text", "message"), UNKNOWN, ids=[text for _, text, _ in UNKNOWN])
def test_an_unknown_reference_is_refused(
    names: ReferenceNames, finder: Callable[[ReferenceNames], Callable[[str], int]], text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=text) as caught:
        finder(names)(text)
    assert message in str(caught.value)
    assert translate(caught.value.args[0], "tr") != str(caught.value)
