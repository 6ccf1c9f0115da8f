"""`regulars import` with files that cannot be read, and with files of random bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.shop import ERRORS, Shop, check_import, command, reasons, refused
from tests.support.world import World


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def here(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database(request.param)) as world:
        yield world


@pytest.fixture(scope="module")
def on_sqlite(fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world on SQLite, for tests of what happens before the database is used."""
    with World.on(fresh_database("sqlite")) as world:
        yield world


@pytest.fixture
def shop(here: World) -> Shop:
    return Shop.opened(here)


GOOD = b"".join(b"Customer %d,\n" % number for number in range(98))
BROKEN = (
    (b"", "empty"),
    (b"\n", "no rows"),
    (b"\xef\xbb\xbf", "empty"),
    (b"Ali,Veli\n", "No column is imported as the name"),
    (b"job\nAvukat\n", "No column is imported as the name"),
    (b'first_name,"email\nAli,\n', "never closed"),
    (b"first_name,email\n" + GOOD + b"\x81\x8d\xff,\n", "encoding"),
    (b"first_name,email\n" + GOOD + b'Ali,"never closed\nVeli,\n', "line 100"),
    (b"first_name,email\n" + GOOD + b"x" * 2**21, "line 100"),
    (b'first_name,email\nAli,"' + b"x\n" * 2**20, "line 2"),
    (b"first_name,email\n" + GOOD + b"Ali,\x00\n", "NUL"),
    (b"PK\x03\x04\x14\x00\x06\x00\xff\x00", "damaged"),
    (b"\x00" * 5000, "NUL"),
    (b"%PDF-1.7\n", "PDF"),
)


@pytest.mark.parametrize(("content", "said"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_changes_nothing_and_gives_one_sentence(shop: Shop, content: bytes, said: str) -> None:
    before = shop.exported()
    done = shop.load(content)
    assert (done.status, done.summary) == (1, "")
    assert said in done.stderr
    assert done.stderr.startswith("regulars: ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 300
    assert shop.exported() == before
    assert shop.run("import", "list").stdout == b"", "an import that cannot start is not kept"


def test_a_quote_in_the_middle_of_a_cell_is_a_fault_of_its_row(shop: Shop) -> None:
    assert shop.load(b"first_name,email\n" + GOOD + b'"Ali"x,\n').status == 3
    assert reasons() == ['A quote (") inside a cell must be doubled ("").']
    assert len(shop.names()) == 98


def test_text_of_another_encoding_is_read(shop: Shop) -> None:
    assert shop.load("first_name\nAyşe\n".encode("iso8859-9")).status == 0
    assert shop.names() == ["Ayşe"]


def test_a_missing_file_or_tenant_is_reported(shop: Shop) -> None:
    Path("customers.csv").write_text("first_name\nAli\n")
    for arguments, said in (
        (("import", "missing.csv", "--tenant", shop.tenant), "missing.csv"),
        (("import", ".", "--tenant", shop.tenant), "directory"),
        (("import", "customers.csv", "--tenant", 10**6), "tenant 1000000"),
        (("import", "customers.csv", "--tenant", 10**30), "tenant"),
        (("import", "customers.csv", "--tenant", -1), "tenant -1"),
        (("export", "--tenant", 10**6), "tenant 1000000"),
        (("export", "--tenant", shop.tenant, "--output", "no/such/folder.csv"), "no/such/folder.csv"),
        (("export", "--tenant", shop.tenant, "--output", "customers.csv/x.csv"), "customers.csv/x.csv"),
        (("export", "--tenant", shop.tenant, "--output", "x" * 300), "xxx"),
        (("export", "--tenant", shop.tenant, "--output", "."), "directory"),
    ):
        done = command(*arguments, "--database", shop.world.url)
        assert (done.status, said in done.stderr, done.stderr.count("\n")) == (1, True, 1), done.stderr
    assert command("export", "--tenant", 10**6, "--database", shop.world.url).stdout == b""
    assert shop.customers() == []


@pytest.mark.parametrize("path", ["no/such/folder.csv", ".", "customers.csv"])
def test_an_error_file_that_cannot_be_written_is_refused_before_the_import(shop: Shop, path: str) -> None:
    content = "first_name,email\nAli,\nVeli,x\n"
    done = shop.load(content, "--errors", path)
    assert (done.status, path in done.stderr, done.stderr.count("\n")) == (1, True, 1)
    assert Path("customers.csv").read_text() == content
    assert shop.customers() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_if_the_disk_is_full_the_refused_rows_can_be_had_later(shop: Shop) -> None:
    done = shop.load("first_name,email\nAli,\nVeli,x\n", "--errors", "/dev/full")
    assert (done.status, done.summary) == (3, "Imported 1 row. 1 row was refused.")
    assert done.stderr.startswith("regulars: The error file /dev/full cannot be written: ")
    assert "The import itself is complete." in done.stderr
    assert done.stderr.count("\n") == 1
    assert shop.names() == ["Ali"]
    later = done.stderr.rpartition(": regulars ")[2].split()[:3]
    assert shop.run(*later, "--output", ERRORS).status == 0
    assert [row["first_name"] for row in refused()] == ["Veli"]


@settings(max_examples=30)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode())))
def test_junk_below_a_header_is_refused_or_kept_but_never_breaks_anything(on_sqlite: World, content: bytes) -> None:
    shop = Shop.opened(on_sqlite)
    check_import(shop, shop.load(b"first_name,address\n" + content))


@settings(max_examples=30)
@given(content=st.binary(max_size=100))
def test_junk_instead_of_a_file_is_refused(on_sqlite: World, content: bytes) -> None:
    assume(b"first_name" not in content.lower())
    shop = Shop.opened(on_sqlite)
    done = shop.load(content)
    assert done.status == 1
    assert "Traceback" not in done.stderr
    assert shop.customers() == []
