"""`regulars import` with files of our own format: the columns of `regulars export`."""

import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.accounts.memberships import add_member
from regulars.cli.main import run
from regulars.customers.counts.maintenance import check_counts
from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.formulas import escape_formula
from regulars.errors import Unavailable
from regulars.permissions import Role
from regulars.tenants.tenants import update_tenant
from regulars.validation import trim
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.shop import ERRORS, Shop, as_csv, check_import, command, reasons, refused
from tests.support.world import LIST, World, names


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def here(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database(request.param)) as world:
        yield world


@pytest.fixture(scope="module")
def second_database(here: World, fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world on another database of the same kind."""
    with World.on(fresh_database(here.database.dialect)) as world:
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
    assert (done.status, done.summary, done.stderr) == (0, "Imported 1 row.", "")
    assert not Path(ERRORS).exists()
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
    assert shop.load(content).summary == "Imported 2 rows."
    found = [(row["first_name"], row["email"], row["gender"], row["country_code"]) for row in shop.customers()]
    assert found == [("Ali", "a@example.com", "other", "TR"), ("Bo", "", "", "DE")]


def test_the_last_line_needs_no_end_and_the_file_may_come_from_a_pipe(shop: Shop) -> None:
    done = shop.run("import", "-", stdin=b"first_name,email\nAli,\n ,\nVeli,x\nCem,")
    said = "Imported 2 rows. 1 row was refused, see stdin.csv.errors.csv."
    assert (done.status, done.summary, done.stderr) == (3, said, "")
    assert [row["first_name"] for row in refused("stdin.csv.errors.csv")] == ["Veli"]
    assert shop.names() == ["Ali", "Cem"]


def test_a_file_without_rows_imports_nothing(shop: Shop) -> None:
    done = shop.load("first_name\n")
    assert (done.status, done.summary, done.stderr) == (0, "Imported nothing.", "")


def test_a_file_of_columns_of_ours_is_imported_without_a_question(shop: Shop) -> None:
    done = shop.load("first_name,last_name\nAyşe,Öz\n")
    assert (done.status, done.text.splitlines()[:3]) == (
        0,
        ["The file (csv, utf-8, 1 row) has these columns:", "  first_name  first_name", "  last_name   last_name"],
    )
    done = shop.load("first_name,shoe size\nAyşe,38\n")
    assert (done.status, done.stderr) == (
        1,
        "regulars: Nothing was imported. If the columns above are right, add --yes.\n",
    )
    assert "  shoe size   not imported\n" in done.text
    assert shop.names() == ["Ayşe"]


def test_a_last_name_is_a_name(shop: Shop) -> None:
    assert shop.load("last_name,job\nYılmaz,Avukat\n").status == 0
    assert shop.names() == ["Yılmaz"]
    assert shop.load("first_name,last_name\n,Yılmaz\n").status == 1
    assert reasons() == ["first_name is required."]


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
    monkeypatch.setattr("regulars.customers.imports.run.ANALYZE_ROWS", 2)
    analyze = mock.Mock(side_effect=Unavailable("Busy."))
    monkeypatch.setattr(type(shop.world.database), "analyze", analyze)
    assert shop.load("first_name\nAli\n").status == 0
    assert not analyze.called
    done = shop.load("first_name\nVeli\nCem\n")
    assert (done.status, done.summary, done.stderr) == (0, "Imported 2 rows.", "")
    assert analyze.called


# ---- Ids -------------------------------------------------------------------------------------------------------------


def test_free_ids_are_kept_and_used_ids_are_refused_without_matching(shop: Shop) -> None:
    assert shop.load("id,first_name\n5,Ali\n").status == 0
    before = shop.customers()[0]
    done = shop.load("id,first_name\n5,Another\n6,Veli\n6,Twice\n", "--match-by", "none")
    assert (done.status, done.summary) == (3, f"Imported 1 row. 2 rows were refused, see {ERRORS}.")
    assert [row["first_name"] for row in refused()] == ["Another", "Twice"]
    assert reasons() == [f"id {number} is already used by another customer." for number in (5, 6)]
    assert shop.customers()[0] == before
    assert [(row["id"], row["first_name"]) for row in shop.customers()] == [("5", "Ali"), ("6", "Veli")]


def test_the_customer_with_an_id_in_the_file_is_changed(shop: Shop) -> None:
    assert shop.load("id,first_name,job\n5,Ali,\n").status == 0
    done = shop.load("id,first_name,job\n5,Veli,Avukat\n6,Cem,\n")
    assert (done.status, done.summary) == (0, "Imported 2 rows (1 updated, 0 unchanged).")
    assert [(row["id"], row["first_name"], row["job"]) for row in shop.customers()] == [
        ("5", "Ali", "Avukat"),
        ("6", "Cem", ""),
    ]
    # All columns of an export: the file was edited, so its values win.
    assert (
        shop.load(shop.exported().replace(b",Ali,", b",Veli,")).summary == "Imported 2 rows (1 updated, 1 unchanged)."
    )
    assert shop.names() == ["Veli", "Cem"]


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
    assert done.summary == f"Imported {bad} rows. {bad} rows were refused, see {ERRORS}."
    for found, reason, (name, cell) in zip(refused(), reasons(), BAD_CELLS, strict=True):
        assert reason.startswith(f"{name} must ")
        assert reason.endswith(".")
        assert "\x1b" not in reason
        assert len(reason) < 250
        assert found[name] == escape_formula(cell), "the cell can be corrected"
    assert len(shop.customers()) == bad


def test_an_error_file_is_corrected_and_imported(shop: Shop) -> None:
    done = shop.load("first_name;email;phone_number\nAli;x;0532 111 22 33\nVeli;;\n")
    assert (done.status, shop.names()) == (3, ["Veli"])
    text = Path(ERRORS).read_text("utf-8")
    assert text.splitlines()[0] == "\ufefffirst_name;email;phone_number;Reason"
    assert reasons(ERRORS, ";") == ['email must be an e-mail address such as ayse@example.com, not "x".']
    done = shop.load(text.replace(";x;", ";ali@example.com;"), "--yes", file="corrected.csv")
    assert (done.status, done.summary) == (0, "Imported 1 row.")
    assert {row["email"]: row["phone_number_as_typed"] for row in shop.customers()} == {
        "": "",
        "ali@example.com": "0532 111 22 33",
    }


def test_every_row_that_does_not_fit_is_refused(shop: Shop) -> None:
    content = 'first_name,address\r\nAli,"1\r\n2\r\n3"\r\n\r\nVeli,"4\r\n5",too many\r\nCem\r\n,6\r\n'
    assert shop.load(content).status == 3
    assert [(row["address"], row["Reason"]) for row in refused()] == [
        ("4\n5", "The row has more cells than the file has headings."),
        ("6", "first_name is required."),
    ]
    assert shop.names() == ["Ali", "Cem"]


def test_every_fault_of_a_row_is_reported(shop: Shop) -> None:
    shop.load("first_name,email,gender\n,x,y\nAli,,\n", "--match-by", "none")
    (reason,) = reasons()
    assert reason.startswith("first_name is required. email must be ")
    assert " gender must be one of male, female, other" in reason


def test_the_error_file_is_where_it_is_wanted(shop: Shop) -> None:
    done = shop.load("first_name,email\nAli,x\nVeli,\n", "--errors", "bad.csv")
    assert (done.status, len(refused("bad.csv"))) == (3, 1)
    assert done.summary.endswith(" refused, see bad.csv.")
    assert not Path(ERRORS).exists()


def test_if_every_row_is_bad_nothing_has_changed_and_the_status_says_so(shop: Shop) -> None:
    done = shop.load("first_name,email\nAli,x\n\n,y\n")
    assert (done.status, len(refused())) == (1, 2)
    assert done.summary == f"Imported nothing. 2 rows were refused, see {ERRORS}."


def test_strict_imports_all_or_nothing(shop: Shop) -> None:
    before = shop.exported()
    done = shop.load("first_name,email\nAli,\nVeli,x\nCem,\n", "--strict")
    assert (done.status, done.summary) == (1, "")
    assert "Nothing was imported" in done.stderr
    assert f"See {ERRORS}." in done.stderr
    assert [row["first_name"] for row in refused()] == ["Veli"]
    assert shop.exported() == before
    assert shop.load("first_name\nAli\n", "--strict").status == 0


def test_strict_refuses_what_only_other_rows_or_customers_contradict(shop: Shop) -> None:
    update_tenant(shop.world.database, shop.tenant, {"unique_fields": ["phone_number"]})
    rows = "first_name,phone_number\n" + "".join(f"Customer {number},\n" for number in range(200))
    done = shop.load(rows + "Ali,05321112233\nVeli,05321112233\n", "--strict", "--match-by", "none")
    assert (done.status, [row["first_name"] for row in refused()]) == (1, ["Veli"])
    assert shop.customers() == []


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
    (reason,) = reasons()
    assert reason.startswith("related_user ")
    assert "user_email" in reason
    assert [row["user_email"] for row in clinic.customers()] == ["bob2@example.com", "alice@example.com"]


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
    assert shop.load(as_csv([GOOD_COLUMNS, *rows]), "--match-by", "none").status == 0
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


def test_an_export_that_was_not_edited_changes_nothing(empty_world: World) -> None:
    empty_world.add_customers()
    shop = Shop(empty_world, empty_world.clinic)
    before = shop.exported()
    done = shop.load(before)
    assert (done.status, done.summary) == (0, "Imported 40 rows (0 updated, 40 unchanged).")
    assert "To undo" not in done.text
    assert shop.exported() == before


def test_tags_that_do_not_exist_are_created(shop: Shop) -> None:
    assert shop.load("first_name,tags\nAli,VIP|Boya\nVeli,vip\n").status == 0
    assert [row["tags"] for row in shop.customers()] == ["Boya|VIP", "VIP"]


def test_a_row_that_repeats_a_unique_value_is_refused(shop: Shop) -> None:
    update_tenant(shop.world.database, shop.tenant, {"unique_fields": ["email", "phone_number"]})
    assert shop.load("first_name,email\nAli,a@example.com\n").status == 0
    rows = (
        "first_name,email,phone_number,deleted_at\nB,A@example.com,,\nC,c@example.com,05321112233,\n"
        "D,,+905321112233,\nE,e@example.com,05321112233,2026-01-01T00:00:00Z\n"
    )
    assert shop.load(rows, "--match-by", "none").status == 3
    assert [(row["first_name"], row["Reason"]) for row in refused()] == [
        ("B", "email is already used by customer 1."),
        ("D", "phone_number is already used by customer 2."),
    ]
    assert shop.names() == ["Ali", "C", "E"]


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
    check_import(shop, shop.load(as_csv([CSV_COLUMNS, *rows, *alone]), "--match-by", "none"))


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
    monkeypatch.setattr("regulars.db.sqlite.ROWS_PER_BLOCK", 100)
    monkeypatch.setattr("regulars.customers.imports.run.MAX_BLOCKS", 1)
    monkeypatch.setattr("regulars.customers.imports.reading.BLOCKS_AHEAD", 2)
    url = fresh_database("sqlite")
    import_peaks, export_peaks = [], []
    # Ignore the first run, which loads modules and fills caches. A file is stored in parts of half a megabyte.
    for rows in (500, 10_000, 30_000):
        tenant = command("tenant", "create", "--name", "Dükkân", "--database", url).text.strip()
        with Path("rows.csv").open("w", encoding="utf-8") as file:
            file.write("first_name,last_name,email,address\n")
            for number in range(rows):
                domain = "example.com" if number % 10 else "no domain"
                file.write(f"Ayşe,Yılmaz {number % 50},ayse@{domain},{'x' * 200}\n")
        common = ("--tenant", tenant, "--database", url)
        import_peaks.append(most_memory(("import", "rows.csv", "--match-by", "none", *common)))
        export_peaks.append(most_memory(("export", "--output", "out.csv", *common)))
    assert import_peaks[2] < import_peaks[1] * 1.2
    assert export_peaks[2] < export_peaks[1] * 1.2
