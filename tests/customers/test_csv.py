"""CSV import and export with `regulars import` and `regulars export`."""

import csv
import io
import re
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from regulars.accounts.memberships import add_member
from regulars.cli.main import run
from regulars.customers.counts.maintenance import check_counts
from regulars.customers.csv.format import CSV_COLUMNS
from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.phone_numbers import read_phone_number
from regulars.customers.validation import read_email
from regulars.errors import Unavailable
from regulars.permissions import Role
from regulars.tenants.tenants import create_tenant, update_tenant
from regulars.validation import quote, trim
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.world import LIST, World, names

HEADER = ",".join(CSV_COLUMNS)


@dataclass(frozen=True)
class CommandResult:
    """Exit status and output of a command."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()


def command(*arguments: object, stdin: bytes = b"") -> CommandResult:
    """Run a command in this process."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
    ):
        status = run([str(argument) for argument in arguments])
    assert isinstance(out.buffer, io.BytesIO)
    return CommandResult(status, out.buffer.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Shop:
    """A tenant without customers, with Alice as owner and Dora as member, and commands on it."""

    world: World
    tenant: int

    @classmethod
    def opened(cls, world: World) -> "Shop":
        tenant = create_tenant(
            world.database, name="Dükkân", time_zone="Europe/Istanbul", locale="tr-TR", country_code="TR"
        )
        add_member(world.database, tenant.id, "alice@example.com", Role.OWNER)
        add_member(world.database, tenant.id, "dora@example.com", Role.AGENT)
        return cls(world, tenant.id)

    def load(self, content: str | bytes, *options: object, file: str = "customers.csv") -> CommandResult:
        """Import a file with this content."""
        Path(file).write_bytes(content.encode() if isinstance(content, str) else content)
        return command("import", file, "--tenant", self.tenant, "--database", self.world.url, *options)

    def export(self, *options: object) -> CommandResult:
        return command("export", "--tenant", self.tenant, "--database", self.world.url, *options)

    def exported(self) -> bytes:
        done = self.export()
        assert (done.status, done.stderr) == (0, "")
        return done.stdout

    def customers(self) -> list[dict[str, str]]:
        """Export the customers; return each row as a mapping from column to value."""
        return list(csv.DictReader(io.StringIO(self.exported().decode(), newline="")))


def error_lines(file: str = "customers.csv.errors.csv") -> list[list[str]]:
    """Return the lines of an error file without the header."""
    header, *rows = csv.reader(io.StringIO(Path(file).read_text("utf-8"), newline=""))
    assert header == ["line", "column", "reason"]
    return rows


def as_csv(rows: Sequence[Sequence[str]], **how: str) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=how.get("delimiter", ","), lineterminator=how.get("lineterminator", "\n")).writerows(
        rows
    )
    return text.getvalue()


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def here(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database(request.param)) as world:
        yield world


@pytest.fixture(scope="module")
def second_database(here: World, fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world on another database of the same kind."""
    with World.on(fresh_database(here.database.dialect)) as world:
        yield world


@pytest.fixture(scope="module")
def on_sqlite(fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world on SQLite, for tests of what happens before the database is used."""
    with World.on(fresh_database("sqlite")) as world:
        yield world


@pytest.fixture
def shop(here: World) -> Shop:
    return Shop.opened(here)


# ---- Import ----------------------------------------------------------------------------------------------------------


def test_every_field_is_imported(shop: Shop) -> None:
    done = shop.load(
        "id,first_name,last_name,phone_number,email,date_of_birth,gender,country_code,identity_number,job,address,"
        "default_channel_id,avatar_url,user_email,created_at,updated_at,deleted_at\n"
        '7, Ayşe ,Işık,0532 111 22 33,Ayse@EXAMPLE.com,1990-05-01,Female,tr,12-34,Eczacı,"Gül Sokak 1\r\nİstanbul",'
        "2,https://example.com/a.png,DORA@example.com,2026-01-02T03:04:05+03:00,2026-01-02T03:04:05Z,\n"
    )
    assert (done.status, done.text, done.stderr) == (0, "Imported 1 row.\n", "")
    assert not Path("customers.csv.errors.csv").exists()
    assert shop.customers() == [
        {
            "id": "7",
            "first_name": "Ayşe",
            "last_name": "Işık",
            "phone_number": "+905321112233",
            "phone_number_as_typed": "0532 111 22 33",
            "email": "Ayse@example.com",
            "date_of_birth": "1990-05-01",
            "gender": "female",
            "country_name": "Türkiye",
            "country_code": "TR",
            "identity_number": "12-34",
            "job": "Eczacı",
            "address": "Gül Sokak 1\nİstanbul",
            "default_channel_id": "2",
            "avatar_url": "https://example.com/a.png",
            "related_user": "Dora",
            "user_email": "dora@example.com",
            "tags": "",
            "created_at": "2026-01-02T00:04:05Z",
            "updated_at": "2026-01-02T03:04:05Z",
            "deleted_at": "",
        }
    ]


def test_how_a_number_was_typed_is_kept_without_the_apostrophe_of_a_spreadsheet(shop: Shop) -> None:
    shop.load("first_name,phone_number\nAli,'+90 532 111 22 33\n")
    (row,) = shop.customers()
    assert (row["phone_number"], row["phone_number_as_typed"]) == ("+905321112233", "+90 532 111 22 33")


ROWS = (("first_name", "last_name", "address"), ("Ayşe", "Yılmaz; Öz", 'a, "b"\tc'), ("Işıl", "", "x\ny"))


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["commas", "semicolons", "tabs"])
def test_files_of_every_common_form_mean_the_same(shop: Shop, delimiter: str, newline: str, bom: bytes) -> None:
    rows = [[cell.replace("\t", " ") for cell in row] for row in ROWS]
    content = bom + as_csv(rows, delimiter=delimiter, lineterminator=newline).encode()
    assert shop.load(content).status == 0
    found = [(row["first_name"], row["last_name"], row["address"]) for row in shop.customers()]
    assert found == [("Ayşe", "Yılmaz; Öz", 'a, "b" c'), ("Işıl", "", "x\ny")]


def test_columns_come_in_any_order_and_a_header_in_any_case(shop: Shop) -> None:
    content = ' Gender ,"EMAIL",country_name,First_Name\nother,a@example.com,turkiye,Ali\n\n,,Germany,Bo\n'
    assert shop.load(content).text == "Imported 2 rows.\n"
    found = [(row["first_name"], row["email"], row["gender"], row["country_code"]) for row in shop.customers()]
    assert found == [("Ali", "a@example.com", "other", "TR"), ("Bo", "", "", "DE")]


def test_the_last_line_needs_no_end_and_the_file_may_come_from_a_pipe(shop: Shop) -> None:
    done = command(
        "import", "-", "--tenant", shop.tenant, "--database", shop.world.url, stdin=b"first_name\nAli\n \nVeli"
    )
    assert (done.status, done.text) == (3, "Imported 2 rows; 1 row was refused, see stdin.errors.csv.\n")
    assert error_lines("stdin.errors.csv") == [["3", "first_name", "first_name is required."]]
    assert [row["first_name"] for row in shop.customers()] == ["Ali", "Veli"]


def test_a_file_with_no_rows_is_imported_whole(shop: Shop) -> None:
    done = shop.load("first_name\n")
    assert (done.status, done.text, done.stderr) == (0, "Imported 0 rows.\n", "")


def test_after_an_import_totals_and_searches_are_right_immediately(empty_world: World) -> None:
    clinic = Shop(empty_world, empty_world.clinic)
    assert (
        clinic.load("first_name,gender,deleted_at\nIŞIL,female,\nAli,male,\nVeli,male,2026-01-01T00:00:00Z\n").status
        == 0
    )
    page = empty_world.get(LIST, params={"sort_by": "first_name", "sort_direction": "asc"})
    assert (names(page), page.json["meta"]["total"]) == (["Ali", "IŞIL"], 2)
    assert names(empty_world.get(LIST, params={"search": "ışil"})) == ["IŞIL"]
    assert empty_world.get(LIST, params={"gender": "male"}).json["meta"]["total"] == 1


def test_a_large_import_is_analyzed_and_stays_if_that_fails(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.customers.csv.importer.ANALYZE_ROWS", 2)
    analyze = mock.Mock(side_effect=Unavailable("Busy."))
    monkeypatch.setattr(type(shop.world.database), "analyze", analyze)
    assert shop.load("first_name\nAli\n").status == 0
    assert not analyze.called
    assert shop.load("first_name\nVeli\nCem\n") == CommandResult(0, b"Imported 2 rows.\n", "")
    assert analyze.called


# ---- Ids -------------------------------------------------------------------------------------------------------------


def test_free_ids_are_kept_and_used_ids_are_refused(shop: Shop) -> None:
    assert shop.load("id,first_name\n5,Ali\n").status == 0
    before = shop.customers()[0]
    done = shop.load("id,first_name\n5,Another\n6,Veli\n6,Twice\n")
    assert done.status == 3
    assert [(line, column) for line, column, _ in error_lines()] == [("2", "id"), ("4", "id")]
    assert all("already used" in reason for _, _, reason in error_lines())
    assert shop.customers()[0] == before
    assert [(row["id"], row["first_name"]) for row in shop.customers()] == [("5", "Ali"), ("6", "Veli")]


@pytest.mark.parametrize("first", [1, 2, 40])
def test_new_ids_are_above_imported_ids(empty_world: World, first: int) -> None:
    clinic = Shop(empty_world, empty_world.clinic)
    assert clinic.load(f"id,first_name\n,New\n{first},Old\n,Newer\n").status == 0
    assert clinic.load("first_name\nNewest\n").status == 0
    found = {row["first_name"]: int(row["id"]) for row in clinic.customers()}
    assert found["Old"] == first < found["New"] < found["Newer"] < found["Newest"]


def test_the_highest_id_does_not_use_up_the_ids_of_all(empty_world: World) -> None:
    clinic = Shop(empty_world, empty_world.clinic)
    assert clinic.load(f"id,first_name\n{2**40 - 1},Last\n").status == 0
    assert clinic.load("first_name\nNext\n").status == 0
    assert [row["first_name"] for row in clinic.customers()] == ["Next", "Last"]


# ---- Invalid rows ----------------------------------------------------------------------------------------------------

BAD_CELLS = (
    ("first_name", "x" * 256),
    ("first_name", "\x00"),
    ("first_name", "\x1b[31mred"),
    ("last_name", "a\nb"),
    ("phone_number", "12"),
    ("phone_number", "+90 532 HELLO"),
    ("phone_number", "0532 111 22 33 444 55"),
    ("email", "nobody"),
    ("email", "a@b@example.com"),
    ("date_of_birth", "01.05.1990"),
    ("date_of_birth", "1899-12-31"),
    ("date_of_birth", "2999-01-01"),
    ("date_of_birth", "1990-02-30"),
    ("gender", "kadın"),
    ("country_code", "TUR"),
    ("country_name", "Atlantis"),
    ("identity_number", "1" * 65),
    ("job", "x" * 256),
    ("address", "x" * 1001),
    ("default_channel_id", "5"),
    ("default_channel_id", "²"),
    ("avatar_url", "http://example.com/a.png"),
    ("avatar_url", "https://[::1"),
    ("avatar_url", "javascript:alert(1)"),
    ("related_user", "Charlie"),
    ("user_email", "charlie@example.com"),
    ("id", "0"),
    ("id", "1e3"),
    ("id", str(2**40)),
    ("id", "9" * 5000),
    ("created_at", "2026-01-01T00:00:00"),
    ("updated_at", "0001-01-01T00:00:00+14:00"),
    ("deleted_at", "yesterday"),
)


def test_a_bad_cell_is_reported_with_line_and_column_and_skipped(shop: Shop) -> None:
    columns = list(CSV_COLUMNS)
    content = [columns]
    for name, cell in BAD_CELLS:
        row = ["Good" if column == "first_name" else "" for column in columns]
        content.append(list(row))
        row[columns.index(name)] = cell
        content.append(row)
    done = shop.load(as_csv(content))
    bad = len(BAD_CELLS)
    assert done.status == 3
    assert done.text == f"Imported {bad} rows; {bad} rows were refused, see customers.csv.errors.csv.\n"
    assert [column for _, column, _ in error_lines()] == [name for name, _ in BAD_CELLS]
    assert all(reason.startswith(f"{column} must ") and reason.endswith(".") for _, column, reason in error_lines())
    assert "\x1b" not in Path("customers.csv.errors.csv").read_text("utf-8")
    assert len(Path("customers.csv.errors.csv").read_text("utf-8")) < 8_000
    assert len(shop.customers()) == bad


def test_the_reported_line_is_the_start_of_the_row(shop: Shop) -> None:
    content = 'first_name,address\r\nAli,"1\r\n2\r\n3"\r\n\r\nVeli,"4\r\n5",too many\r\nCem\r\n,6\r\n'
    assert shop.load(content).status == 3
    assert error_lines() == [
        ["6", "", "The row has 3 cells, but the header has 2."],
        ["8", "", "The row has 1 cells, but the header has 2."],
        ["9", "first_name", "first_name is required."],
    ]


def test_every_fault_of_a_row_is_reported(shop: Shop) -> None:
    shop.load("first_name,email,gender\n,x,y\nAli,,\n")
    assert [(line, column) for line, column, _ in error_lines()] == [
        ("2", "first_name"),
        ("2", "email"),
        ("2", "gender"),
    ]


def test_the_error_file_is_where_it_is_wanted(shop: Shop) -> None:
    done = shop.load("first_name,email\nAli,x\nVeli,\n", "--errors", "bad.csv")
    assert (done.status, len(error_lines("bad.csv"))) == (3, 1)
    assert "see bad.csv" in done.text
    assert not Path("customers.csv.errors.csv").exists()


def test_where_every_row_is_bad_nothing_has_changed_and_the_status_says_so(shop: Shop) -> None:
    done = shop.load("first_name,email\nAli,x\n\n,y\n")
    assert (done.status, len(error_lines())) == (1, 3)
    assert done.text == "Imported nothing: 2 rows were refused, see customers.csv.errors.csv.\n"


def test_strict_imports_all_or_nothing(shop: Shop) -> None:
    before = shop.exported()
    done = shop.load("first_name,email\nAli,\nVeli,x\nCem,\n", "--strict")
    assert done.status == 1
    assert done.text == "Imported nothing: 1 row was refused, see customers.csv.errors.csv.\n"
    assert [(line, column) for line, column, _ in error_lines()] == [("3", "email")]
    assert shop.exported() == before
    assert shop.load("first_name\nAli\n", "--strict").status == 0


def test_members_with_the_same_name_are_distinguished_by_address(empty_world: World) -> None:
    clinic = Shop(empty_world, empty_world.clinic)
    command(
        *("user", "create", "--email", "bob2@example.com", "--name", "Bob", "--password-stdin"),
        *("--database", empty_world.url),
        stdin=b"long enough\n",
    )
    add_member(empty_world.database, empty_world.clinic, "bob2@example.com", Role.AGENT)
    content = "first_name,related_user,user_email\nA,Bob,\nB,Bob,bob2@example.com\nC,Alice,\n"
    assert clinic.load(content).status == 3
    ((line, column, reason),) = error_lines()
    assert (line, column) == ("2", "related_user")
    assert "user_email" in reason
    assert [row["user_email"] for row in clinic.customers()] == ["bob2@example.com", "alice@example.com"]


# ---- Invalid files ---------------------------------------------------------------------------------------------------

GOOD = b"".join(b"Customer %d,\n" % number for number in range(98))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n", "no rows"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Ali,Veli\n", '"Ali", "Veli"'),
        (b"last_name\nYilmaz\n", '"last_name"'),
        (b'first_name,"email\nAli,\n', "never closed"),
        (b"first_name,email\n" + GOOD + b"\xff\xfe,\n", "Line 100"),
        (b"first_name,email\n" + GOOD + b'Ali,"never closed\nVeli,\n', "line 100"),
        (b"first_name,email\n" + GOOD + b'"Ali"x,\n', "line 100"),
        (b"first_name,email\n" + GOOD + b"Ali,\rVeli,\n", "line 100"),
        (b"first_name,email\n" + GOOD + b"x" * 2**21, "Line 100"),
        (b'first_name,email\nAli,"' + b"x\n" * 2**17, "line 2"),
        ("first_name\nAyşe\n".encode("iso8859-9"), "--encoding"),
        (b"PK\x03\x04\x14\x00\x06\x00\xff\x00", "damaged"),
        (b"\x00" * 5000, "NUL character"),
    ],
)
def test_a_broken_file_changes_nothing_and_gives_one_sentence(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    monkeypatch.setattr("regulars.customers.csv.importer.ROWS_PER_INSERT", 30)
    before = shop.exported()
    done = shop.load(content)
    assert (done.status, done.stdout) == (1, b"")
    assert said in done.stderr
    assert done.stderr.startswith("regulars: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 800
    assert shop.exported() == before


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


def test_an_error_file_that_cannot_be_written_changes_nothing(shop: Shop) -> None:
    for path in ("no/such/folder.csv", ".", "customers.csv"):
        content = "first_name,email\nAli,\nVeli,x\n"
        done = shop.load(content, "--errors", path)
        assert (done.status, path in done.stderr, done.stderr.count("\n")) == (1, True, 1)
        assert Path("customers.csv").read_text() == content
    assert shop.customers() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported_and_changes_nothing(shop: Shop) -> None:
    done = shop.load("first_name,email\nAli,\nVeli,x\n", "--errors", "/dev/full")
    assert (done.status, "/dev/full" in done.stderr) == (1, True)
    assert shop.customers() == []
    done = shop.export("--output", "/dev/full")
    assert (done.status, "/dev/full" in done.stderr) == (1, True)


# ---- Export ----------------------------------------------------------------------------------------------------------


def test_an_export_names_all_columns_and_has_the_trash_too(shop: Shop) -> None:
    shop.load("first_name,deleted_at\nAli,\nVeli,2026-01-01T00:00:00Z\n")
    first, *rows = shop.exported().decode().splitlines()
    assert first == HEADER
    assert rows[1].endswith(",2026-01-01T00:00:00Z")
    assert len(rows) == 2


FULL_WIDTH = ("＝1+1", "＋cmd", "－2+3", "＠SUM(A1)", "'＝1")


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "'=1", "''@x", "=", "+ 90x", *FULL_WIDTH]
)
def test_no_cell_of_an_export_is_a_formula_to_a_spreadsheet(shop: Shop, cell: str) -> None:
    assert shop.load(as_csv([["first_name", "address"], ["'" + cell, "x\n" + cell]])).status == 0
    (row,) = csv.DictReader(io.StringIO(shop.exported().decode(), newline=""))
    assert row["first_name"] == "'" + cell
    assert not re.match(r"[=+\-@\t\r＝＋－＠]", row["first_name"])
    assert row["address"] == "x\n" + cell


@pytest.mark.parametrize("name", FULL_WIDTH)
def test_a_full_width_formula_is_the_same_after_an_export_and_an_import(empty_world: World, name: str) -> None:
    shop = Shop(empty_world, empty_world.clinic)
    empty_world.create(first_name=name, last_name=name)
    exported = shop.exported()
    assert f",'{name},'{name}," in exported.decode()
    without_id = re.sub(rb"(?m)^[0-9]+,", b",", exported)
    assert shop.load(without_id).status == 0
    assert [each["first_name"] for each in empty_world.get().json["data"]] == [name, name]


def test_numbers_are_exported_as_they_are(shop: Shop) -> None:
    shop.load("first_name,phone_number,identity_number\n-5,+90 532 111 22 33,+12 34\n")
    (row,) = shop.customers()
    assert (row["first_name"], row["phone_number"], row["identity_number"]) == ("-5", "+905321112233", "+12 34")


def test_an_exported_file_appears_when_it_is_whole(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load("first_name\nAli\n")
    Path("out.csv").write_text("what was there before")
    with monkeypatch.context() as patched:
        patched.setattr(
            "regulars.customers.exports.csv_file.format_time", mock.Mock(side_effect=OSError(28, "No space left"))
        )
        done = shop.export("--output", "out.csv")
    assert (done.status, "No space left" in done.stderr) == (1, True)
    assert Path("out.csv").read_text() == "what was there before"
    assert shop.export("--output", "out.csv") == CommandResult(0, b"", "")
    assert Path("out.csv").read_bytes() == shop.exported()
    assert {path.name for path in Path().iterdir()} == {"customers.csv", "out.csv"}


def test_progress_is_shown_only_on_a_terminal(shop: Shop) -> None:
    done = shop.load("first_name\n" + "Ali\n" * 3_000)
    assert (done.text, done.stderr) == ("Imported 3,000 rows.\n", "")
    done = shop.export()
    assert (done.stderr, done.stdout.count(b"\n")) == ("", 3_001)


# ---- Round trips -----------------------------------------------------------------------------------------------------

LETTERS = st.characters(exclude_categories=("Cc", "Cs"))
STARTS = st.sampled_from(["", "＝", "'＠", "=", "+", "-", "@", "'", "'=", '"', ",", ";", "\t", "İ", "ı", "ş"])


def lines(at_most: int) -> st.SearchStrategy[str]:
    return st.builds(lambda start, rest: (start + rest)[:at_most].strip(), STARTS, st.text(LETTERS, max_size=20))


TEXT = lines(255).filter(lambda text: "\t" not in text and trim(text) == text)
NAME = TEXT.filter(lambda text: text.strip("'\t ") != "")
ADDRESS = st.lists(TEXT, max_size=3).map(lambda parts: "\n".join(parts).strip())
MOMENT = st.sampled_from(["2020-02-29T23:59:59Z", "1999-12-31T00:00:00Z", "2026-06-01T12:00:00Z"])
GOOD_ROW = st.tuples(
    NAME,
    TEXT,
    st.sampled_from(["", "+905321112233", "+442079460958", "+390612345678"]),
    st.sampled_from(["", "Ayse@example.com", "ı@example.com", "a+b@bücher.example.com"]),
    st.sampled_from(["", "1900-01-01", "2000-02-29"]),
    st.sampled_from(["", "male", "female", "other"]),
    st.sampled_from(["", "TR", "DE", "AX", "CI"]),
    TEXT.map(lambda text: trim(text[:64])),
    TEXT,
    ADDRESS,
    st.sampled_from(["", "1", "4"]),
    st.sampled_from(["", "https://example.com/a.png", "https://example.com/ş?a=b&c"]),
    st.sampled_from(["", "alice@example.com", "dora@example.com"]),
    MOMENT,
    MOMENT,
    st.one_of(st.just(""), MOMENT),
)
GOOD_COLUMNS = (
    *("first_name", "last_name", "phone_number", "email", "date_of_birth", "gender", "country_code"),
    *("identity_number", "job", "address", "default_channel_id", "avatar_url", "user_email"),
    *("created_at", "updated_at", "deleted_at"),
)


@settings(max_examples=8)
@given(rows=st.lists(GOOD_ROW, max_size=12))
def test_an_export_imported_elsewhere_is_equal(
    here: World, second_database: World, rows: list[tuple[str, ...]]
) -> None:
    shop, copy = Shop.opened(here), Shop.opened(second_database)
    # Cells are imported literally, so an apostrophe before a formula is kept and escaped again in the export.
    assert shop.load(as_csv([GOOD_COLUMNS, *rows])).status == 0
    first = shop.exported()
    done = copy.load(first)
    assert (done.status, done.stderr) == (0, "")
    assert copy.exported() == first
    for row, found in zip(rows, shop.customers(), strict=True):
        given_cells = dict(zip(GOOD_COLUMNS, row, strict=True))
        assert found["address"].lstrip("'") == given_cells["address"].lstrip("'")
        assert found["created_at"] == given_cells["created_at"]


def test_purged_customers_can_be_imported_from_an_export(empty_world: World, tmp_path: Path) -> None:
    """The list is identical to the byte, with ids, tags and the original spelling of phone numbers."""
    world = empty_world
    tags = [
        world.send("POST", "/api/v1/tags", {"name": name, "color": "#000000"}).json["data"]["id"]
        for name in ("VIP", "İyi, müşteri", "=1+1")
    ]
    for number in range(30):
        fields = {"phone_number": f"0532 111 22 {number:02}", "user_id": world.bob} if number % 2 else {}
        world.create(first_name=f"Müşteri {number}", tags=tags[: number % 4], country_id=792, **fields)
    shown = {"include": "tags", "per_page": 100, "sort_by": "first_name"}
    before = [world.get(params=shown | {"trashed": trashed}).content for trashed in ("false", "true")]
    file = tmp_path / "customers.csv"
    here = ["--tenant", str(world.clinic), "--database", world.url]
    assert run(["export", "--output", str(file), *here]) == 0
    ids = [customer["id"] for customer in world.get(params=shown).json["data"]]
    for customer_id in ids:
        world.send("DELETE", f"{LIST}/{customer_id}")
        assert world.send("DELETE", f"{LIST}/{customer_id}", params={"permanently": "true"}).status_code == 204
    assert world.get().json["meta"]["total"] == 0
    assert run(["import", str(file), *here]) == 0
    assert [world.get(params=shown | {"trashed": trashed}).content for trashed in ("false", "true")] == before
    again = tmp_path / "again.csv"
    assert run(["export", "--output", str(again), *here]) == 0
    assert again.read_bytes() == file.read_bytes()
    assert check_counts(world.database, world.clinic) == []


def test_a_row_with_a_tag_that_there_is_not_is_refused(shop: Shop) -> None:
    assert shop.load("first_name,tags\nAli,Nobody's|VIP\n").status == 1
    assert [(line, column) for line, column, _ in error_lines()] == [("2", "tags")]


def test_a_row_that_repeats_a_unique_value_is_refused(shop: Shop) -> None:
    update_tenant(shop.world.database, shop.tenant, {"unique_fields": ["email", "phone_number"]})
    assert shop.load("first_name,email\nAli,a@example.com\n").status == 0
    done = shop.load(
        "first_name,email,phone_number,deleted_at\nB,A@example.com,,\nC,c@example.com,05321112233,\n"
        "D,,+905321112233,\nE,e@example.com,05321112233,2026-01-01T00:00:00Z\n"
    )
    assert done.status == 3
    assert [(line, column) for line, column, _ in error_lines()] == [("2", "email"), ("4", "phone_number")]
    assert [row["first_name"] for row in shop.customers()] == ["Ali", "C", "E"]


# ---- Random values ---------------------------------------------------------------------------------------------------

JUNK_CELL = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(
        [
            *("", " ", "0", "-1", "+", "+0", "00", "+90", "@", "a@", "@b", "a@[127.0.0.1]", '"a b"@example.com', "."),
            *("1990-05-01T", "1990-05-01T25:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00Z", "١٩٩٠-٠٥-٠١"),
            *("https://", "https://[", "https://a:b:c", "https://\u2100.com", "９", "²", "1" * 400, "TR", "Türkiye"),
            *("+90 532 111 22 33", "0532 111 22 33;ext=5", "tel:+905321112233", "=1", "'", "''", "\u202e", "\ufeff"),
            *("a@xn--.com", "a@\u00ad.com", "a@" + "x" * 300 + ".com", "x@y.z" * 60, "None", "null", "\u2028"),
        ]
    ),
)


@settings(max_examples=12)
@given(rows=st.lists(st.lists(JUNK_CELL, min_size=len(CSV_COLUMNS), max_size=len(CSV_COLUMNS)), min_size=1, max_size=5))
def test_junk_in_any_cell_is_refused_or_kept_but_never_breaks_anything(here: World, rows: list[list[str]]) -> None:
    shop = Shop.opened(here)
    for row in rows:
        row[CSV_COLUMNS.index("first_name")] = row[CSV_COLUMNS.index("first_name")].strip() or "Ali"
    # Rows of random cells are rarely valid, so import each cell in a row of its own too.
    alone = [
        [
            cell if position == number else "Ali" if CSV_COLUMNS[position] == "first_name" else ""
            for position in range(len(row))
        ]
        for row in rows
        for number, cell in enumerate(row)
    ]
    check_import(shop, shop.load(as_csv([CSV_COLUMNS, *rows, *alone])))


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
    assert shop.load(content).status == 1
    assert shop.customers() == []


def check_import(shop: Shop, done: CommandResult) -> None:
    """Assert that an import ended with a valid status, and that the imported customers exist."""
    assert done.status in {0, 1, 3}, done.stderr
    assert "Traceback" not in done.stderr
    found = len(shop.customers())
    if done.status == 1:
        assert found == 0
        assert done.stderr.count("\n") + done.text.count("\n") == 1
    else:
        assert done.text.startswith(f"Imported {found} row")


# ---- Fast parsers ----------------------------------------------------------------------------------------------------


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


# ---- Memory ----------------------------------------------------------------------------------------------------------


def most_memory(arguments: Sequence[object]) -> int:
    """Return the peak memory of Python objects during a command, in bytes."""
    tracemalloc.start()
    try:
        done = command(*arguments)
        assert done.status in {0, 3}, done.stderr
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_rows(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in (
        "customers.csv.importer.ROWS_PER_INSERT",
        "db.sqlite.ROWS_PER_BLOCK",
    ):
        monkeypatch.setattr(f"regulars.{block}", 100)
    url = fresh_database("sqlite")
    import_peaks, export_peaks = [], []
    # Ignore the first run, which loads modules and fills caches.
    for rows in (10_000, 500, 10_000):
        tenant = command("tenant", "create", "--name", "Dükkân", "--database", url).text.strip()
        with Path("rows.csv").open("w", encoding="utf-8") as file:
            file.write("first_name,last_name,email,address\n")
            for number in range(rows):
                domain = "example.com" if number % 10 else "no domain"
                file.write(f"Ayşe,Yılmaz {number % 50},ayse@{domain},{'x' * 200}\n")
        common = ("--tenant", tenant, "--database", url)
        import_peaks.append(most_memory(("import", "rows.csv", *common)))
        export_peaks.append(most_memory(("export", "--output", "out.csv", *common)))
    assert import_peaks[2] < import_peaks[1] * 1.2
    assert export_peaks[2] < export_peaks[1] * 1.2
