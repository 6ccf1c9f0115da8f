"""Imports as jobs: `regulars import list|show|errors|undo`, `regulars job …`, and the options of an import."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.customers.counts.maintenance import check_counts
from regulars.customers.imports.settings import ImportSettings
from regulars.customers.imports.store import create_import
from regulars.job_handlers import HANDLERS
from regulars.jobs.files import store_file
from regulars.jobs.queue import claim_next
from regulars.jobs.worker import run_job
from regulars.permissions import COMMAND_LINE
from regulars.security.tokens import new_id
from tests.support.imports import end_claims, work
from tests.support.server import TIMEOUT_SECONDS
from tests.support.shop import ERRORS, CommandResult, Shop, reasons, refused
from tests.support.world import World

LIST_OF_CALLS = "Ad Soyad,Telefon,E-posta,Ayakkabı\nAyşe Öz,0532 111 22 33,ayse@example.com,38\nAli Can,12,,42\n"


@pytest.fixture
def shop(empty_world: World) -> Shop:
    return Shop.opened(empty_world)


def imports(shop: Shop) -> list[list[str]]:
    """Return the lines of `regulars import list`."""
    return [line.split("\t") for line in shop.run("import", "list").text.splitlines()]


def jobs(shop: Shop) -> list[list[str]]:
    """Return the lines of `regulars job list`."""
    return [line.split("\t") for line in shop.run("job", "list").text.splitlines()]


def found(done: CommandResult) -> dict[str, object]:
    """Return the JSON that a command has printed."""
    assert (done.status, done.stderr) == (0, "")
    return dict(json.loads(done.stdout))


def refusal(done: CommandResult) -> str:
    """Assert that a command was refused with one sentence, and return it."""
    assert (done.status, done.stderr.count("\n"), "Traceback" in done.stderr) == (1, 1, False), done.stderr
    return done.stderr


# ---- The commands ----------------------------------------------------------------------------------------------------


def test_an_import_is_listed_shown_and_undone(shop: Shop) -> None:
    done = shop.load(LIST_OF_CALLS, "--yes")
    assert (done.status, done.summary) == (3, f"Imported 1 row. 1 row was refused, see {ERRORS}.")
    ((number, state, created, updated, count, _, name),) = imports(shop)
    assert (state, created, updated, count, name) == ("imported", "1", "0", "1", "customers.csv")
    shown = found(shop.run("import", "show", number))
    assert (shown["id"], shown["state"], shown["file_name"]) == (number, "imported", "customers.csv")
    assert json.loads(shop.run("import", "list", "--json").stdout) == [shown]
    assert done.undo[:3] == ["import", "undo", number]
    undone = shop.run("import", "undo", number)
    assert (undone.status, undone.text) == (0, "Removed 1, restored 0, kept 0 customers.\n")
    assert shop.customers() == []
    assert imports(shop)[0][1] == "undone"
    assert "undone" in refusal(shop.run("import", "undo", number))
    assert check_counts(shop.world.database, shop.tenant) == []


def test_imports_are_listed_from_the_newest(shop: Shop) -> None:
    for name in ("a", "b", "c"):
        assert shop.load(f"first_name\n{name}\n", file=f"{name}.csv").status == 0
    assert [line[-1] for line in imports(shop)] == ["c.csv", "b.csv", "a.csv"]
    assert len(shop.run("import", "list", "--limit", 2).text.splitlines()) == 2


def test_the_rows_of_an_undo_that_were_changed_since_are_kept_and_named(shop: Shop) -> None:
    assert shop.load("first_name,email,job\nAli,ali@example.com,\nCem,cem@example.com,\n").status == 0
    done = shop.load("first_name,email,job\nAli,ali@example.com,Avukat\nVeli,veli@example.com,\nEce,,\n")
    assert done.summary == "Imported 3 rows (1 updated, 0 unchanged)."
    assert shop.run("customer", "update", 3, '{"job": "Doktor"}').status == 0
    undone = shop.run(*done.undo[:3])
    assert undone.text.splitlines() == [
        "customer 3: The customer has been changed since the import.",
        "Removed 1, restored 1, kept 1 customers.",
    ]
    assert [(row["first_name"], row["job"]) for row in shop.customers()] == [
        ("Ali", ""),
        ("Cem", ""),
        ("Veli", "Doktor"),
    ]


def test_refused_and_skipped_rows_can_be_written_again(shop: Shop) -> None:
    assert shop.load("first_name,email\nAli,ali@example.com\n").status == 0
    rows = "first_name,email\nVeli,x\nAli,ali@example.com\n"
    done = shop.load(rows, "--on-match", "skip")
    assert (done.status, done.summary) == (1, f"Imported nothing. 1 row was refused, see {ERRORS}.")
    number = imports(shop)[0][0]
    assert shop.run("import", "errors", number).stdout == Path(ERRORS).read_bytes()
    assert shop.run("import", "errors", number, "--kind", "skipped", "--output", "skipped.csv").status == 0
    (row,) = refused("skipped.csv")
    assert row == {
        "first_name": "Ali",
        "email": "ali@example.com",
        "Reason": "email is that of customer 1.",
    }
    assert "--kind" in refusal(shop.run("import", "errors", number, "--kind", "kept"))


@pytest.mark.parametrize(
    "arguments",
    [
        *[("import", verb, "nobody") for verb in ("show", "errors", "undo")],
        *[("job", verb, "nobody") for verb in ("show", "cancel", "retry")],
    ],
)
def test_an_import_or_job_that_does_not_exist_is_reported(shop: Shop, arguments: tuple[str, ...]) -> None:
    assert f"There is no {arguments[0]} nobody." in refusal(shop.run(*arguments))


@pytest.mark.parametrize("verb", ["show", "errors", "undo"])
def test_an_import_of_another_tenant_does_not_exist(shop: Shop, verb: str) -> None:
    assert shop.load("first_name\nAli\n").status == 0
    other = Shop(shop.world, shop.world.salon)
    assert "There is no import" in refusal(other.run("import", verb, imports(shop)[0][0]))
    assert imports(other) == jobs(other) == []
    assert shop.names() == ["Ali"]


def test_a_file_with_the_name_of_a_command_can_be_imported(shop: Shop) -> None:
    Path("list").write_text("first_name\nAli\n")
    assert shop.run("import", "file", "list").summary == "Imported 1 row."
    assert shop.load("first_name\nCan\n", file="./undo").summary == "Imported 1 row."
    assert shop.names() == ["Ali", "Can"]


# ---- Jobs ------------------------------------------------------------------------------------------------------------


def queued(shop: Shop) -> None:
    """Upload a file through the API's functions, so that its job waits for a process."""
    source = Path("queued.csv")
    source.write_text("first_name\nAli\n")
    with source.open("rb") as file:
        stored = store_file(shop.world.database, shop.tenant, new_id(), source.name, file)
    create_import(shop.world.database, shop.tenant, COMMAND_LINE, stored, ImportSettings(), claim=None)


def test_jobs_are_listed_and_shown(shop: Shop) -> None:
    assert shop.load("first_name,email\nAli,x\nCan,\n").status == 3
    listed = jobs(shop)
    assert [line[1:4] for line in listed] == [["import", "completed", "100 %"], ["detect", "completed", "100 %"]]
    shown = found(shop.run("job", "show", listed[0][0]))
    assert (shown["kind"], shown["state"], shown["done"], shown["total"]) == ("import", "completed", 2, 2)
    assert json.loads(shop.run("job", "list", "--json").stdout)[0] == shown
    assert "has ended (completed)" in refusal(shop.run("job", "cancel", listed[0][0]))
    assert "completed" in refusal(shop.run("job", "retry", listed[0][0]))


def test_a_queued_job_is_cancelled_and_retried(shop: Shop) -> None:
    queued(shop)
    ((number, kind, state, *_),) = jobs(shop)
    assert (kind, state) == ("detect", "queued")
    assert shop.run("job", "cancel", number) == CommandResult(0, b"The job was cancelled.\n", "")
    assert jobs(shop)[0][2] == imports(shop)[0][1] == "cancelled"
    work(shop.world)
    assert jobs(shop)[0][2] == "cancelled"
    assert shop.run("job", "retry", number) == CommandResult(0, b"The job was queued again.\n", "")
    work(shop.world)
    assert jobs(shop)[0][2] == "completed"
    assert imports(shop)[0][1] == "ready"


def test_only_the_last_job_of_an_import_is_retried(shop: Shop) -> None:
    done = shop.load("first_name\nAli\n", "--on-match", "skip")
    assert done.status == 0
    first = jobs(shop)[-1][0]
    assert refusal(shop.run("job", "retry", first))
    assert shop.names() == ["Ali"]


# ---- Options ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_happen_and_changes_nothing(shop: Shop) -> None:
    assert shop.load("first_name,email\nAli,ali@example.com\n").status == 0
    before, listed = shop.exported(), imports(shop)
    done = shop.load(
        "first_name,email,job,tags\nAli,ALI@example.com,Avukat,VIP\nVeli,x,,\nCan,can@example.com,,\nCan,can@example.com,,\n",
        "--dry-run",
    )
    assert (done.status, done.stderr, done.summary) == (0, "", "")
    said = done.text.splitlines()
    assert "Of 4 rows: 1 new customers, 1 updated, 1 unchanged, 0 skipped, 1 refused." in said
    assert "New tags: VIP." in said
    assert '  1 refused (rows 3): email must be an e-mail address such as ayse@example.com, not "x".' in said
    assert said[-1] == "Nothing was imported, because of --dry-run."
    assert (shop.exported(), imports(shop)) == (before, listed)
    assert not Path(ERRORS).exists()


def test_a_preview_counts_what_an_import_does(shop: Shop) -> None:
    assert shop.load("id,first_name,email\n7,Ali,ali@example.com\n").status == 0
    rows = "id,first_name,email,job\n,New,,\n8,Old,x@example.com,\n7,,,\n8,Again,,Avukat\n9,,,\n,Bad,z,\n"
    trial = shop.load(rows, "--dry-run").text
    done = shop.load(rows)
    counts = found(shop.run("import", "show", imports(shop)[0][0]))["result"]
    assert isinstance(counts, dict)
    assert (
        f"Of 6 rows: {counts['created']} new customers, {counts['updated']} updated, {counts['unchanged']} unchanged,"
        f" {counts['skipped']} skipped, {counts['refused']} refused." in trial
    )
    assert done.summary == f"Imported 4 rows (1 updated, 1 unchanged). 2 rows were refused, see {ERRORS}."


def test_columns_are_mapped_by_their_headings(shop: Shop) -> None:
    done = shop.load(LIST_OF_CALLS, "--yes", "--map", "Ayakkabı=job", "--map", "Telefon=")
    assert (done.status, done.summary) == (0, "Imported 2 rows.")
    assert "  Telefon   not imported\n" in done.text
    assert "  Ayakkabı  job\n" in done.text
    assert [(row["job"], row["phone_number"]) for row in shop.customers()] == [("38", ""), ("42", "")]


def test_a_mapping_is_remembered_for_the_next_file_with_these_headings(shop: Shop) -> None:
    shop.load(LIST_OF_CALLS, "--yes", "--map", "Ayakkabı=job", "--map", "Telefon=")
    done = shop.load(LIST_OF_CALLS.replace("Ayşe Öz", "Ayşe Nur Öz"), "--yes", "--match-by", "none")
    assert "  Ayakkabı  job\n" in done.text
    assert [row["job"] for row in shop.customers()] == ["38", "42", "38", "42"]


def test_a_column_takes_the_field_of_another(shop: Shop) -> None:
    rows = "first_name,email,work email\nAli,a@example.com,b@example.com\n"
    done = shop.load(rows, "--yes", "--map", "work email=email")
    assert "  email       not imported\n" in done.text
    assert [row["email"] for row in shop.customers()] == ["b@example.com"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--map", "Nobody=email"), "Nobody"),
        (("--map", "email"), "HEADING=FIELD"),
        (("--map", "email=shoe_size"), "shoe_size"),
        (("--map", "first_name="), "name of the customer"),
        (("--match-by", "phone_number"), "phone_number"),
        (("--match-by", "first_name"), "first_name"),
        (("--on-match", "replace"), "replace"),
        (("--date-order", "dym"), "dym"),
        (("--delimiter", "::"), "delimiter"),
        (("--heading-row", "0"), "heading_row"),
        (("--heading-row", "9"), "9"),
    ],
)
def test_a_wrong_option_gives_a_sentence_and_imports_nothing(shop: Shop, options: tuple[str, ...], said: str) -> None:
    assert said in refusal(shop.load("first_name,email\nAli,a@example.com\n", "--match-by", "none", "--yes", *options))
    assert shop.customers() == []
    assert imports(shop) == []


ON_MATCH = (
    ("fill", ("Ali", "Avukat", "VIP|Yeni"), "Imported 2 rows (1 updated, 0 unchanged)."),
    ("overwrite", ("Veli", "Avukat", "Yeni"), "Imported 2 rows (1 updated, 0 unchanged)."),
    ("skip", ("Ali", "", "VIP"), "Imported 1 row. 1 row skipped."),
    ("create", ("Ali", "", "VIP"), "Imported 2 rows."),
)


@pytest.mark.parametrize(("on_match", "expected", "said"), ON_MATCH, ids=[each[0] for each in ON_MATCH])
def test_what_happens_with_an_existing_customer_is_chosen(
    shop: Shop, on_match: str, expected: tuple[str, str, str], said: str
) -> None:
    assert shop.load("first_name,email,job,tags\nAli,ali@example.com,,VIP\n").status == 0
    rows = "first_name,email,job,tags\nVeli,ALI@example.com,Avukat,Yeni\nNew,new@example.com,,\n"
    done = shop.load(rows, "--on-match", on_match)
    assert (done.status, done.summary) == (0, said)
    first, *others = shop.customers()
    assert (first["first_name"], first["job"], first["tags"]) == expected
    assert [row["first_name"] for row in others] == (["Veli", "New"] if on_match == "create" else ["New"])
    assert shop.run(*done.undo[:3]).status == 0
    assert [(row["first_name"], row["job"], row["tags"]) for row in shop.customers()] == [("Ali", "", "VIP")]


@pytest.mark.parametrize("field", ["phone_number", "identity_number", "email"])
def test_customers_are_found_by_the_chosen_field(shop: Shop, field: str) -> None:
    value = {"phone_number": "+905321112233", "identity_number": "AB-1", "email": "a@example.com"}[field]
    assert shop.load(f"first_name,{field}\nAli,{value}\n").status == 0
    done = shop.load(f"first_name,{field},job\nVeli,{value},Avukat\nCan,,\n", "--match-by", field)
    assert (done.status, done.summary) == (0, "Imported 2 rows (1 updated, 0 unchanged).")
    assert [(row["first_name"], row["job"]) for row in shop.customers()] == [("Ali", "Avukat"), ("Can", "")]


def test_a_row_that_fits_two_customers_is_refused(shop: Shop) -> None:
    assert shop.load("first_name,email\nAli,a@example.com\nVeli,a@example.com\n", "--match-by", "none").status == 0
    assert shop.load("first_name,email,job\nCan,a@example.com,x\n").status == 1
    assert reasons() == ["email is used by several customers: 1, 2."]


def test_the_same_file_is_imported_twice_only_if_that_is_confirmed(shop: Shop) -> None:
    rows = "first_name\nAli\n"
    assert shop.load(rows).status == 0
    said = refusal(shop.load(rows, file="copy.csv"))
    assert "imported before as customers.csv" in said
    assert "--again" in said
    assert len(imports(shop)) == 1, "a refused import is not kept"
    assert shop.load(rows, "--again").summary == "Imported 1 row."
    assert shop.names() == ["Ali", "Ali"]


def test_the_same_file_is_imported_again_after_an_undo(shop: Shop) -> None:
    rows = "first_name\nAli\n"
    done = shop.load(rows)
    assert shop.run(*done.undo[:3]).status == 0
    assert shop.load(rows).status == 0
    assert shop.names() == ["Ali"]


# ---- On a terminal ---------------------------------------------------------------------------------------------------


def on_terminal(shop: Shop, answer: str, *options: str) -> tuple[int, str]:
    """Run an import in a terminal with an answer to its question; return its exit status and what is shown."""
    main, terminal = pty.openpty()
    arguments = ["import", "liste.csv", "--tenant", str(shop.tenant), "--database", shop.world.url, *options]
    with subprocess.Popen(
        [sys.executable, "-m", "regulars", *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "200"},
    ) as process:
        os.close(terminal)
        os.write(main, answer.encode())
        shown = b""
        try:
            while block := os.read(main, 4096):
                shown += block
        except OSError:  # Linux, after the process has closed its side
            pass
    os.close(main)
    return process.returncode, shown.decode()


@pytest.mark.parametrize("content", [LIST_OF_CALLS, "first_name\nAyşe\n"], ids=["foreign", "own"])
def test_on_a_terminal_a_file_is_imported_after_a_preview_and_an_answer(shop: Shop, content: str) -> None:
    Path("liste.csv").write_text(content)
    status, shown = on_terminal(shop, "n\n")
    assert (status, shop.customers()) == (1, [])
    assert " new customers, 0 updated" in shown
    assert "Import the file like this? [y/N]" in shown
    assert "Nothing was imported." in shown
    status, shown = on_terminal(shop, "y\n")
    assert (status, shop.names()) == (3 if content == LIST_OF_CALLS else 0, ["Ayşe"])
    assert "Importing" in shown


def test_on_a_terminal_yes_asks_nothing_and_shows_the_progress(shop: Shop) -> None:
    Path("liste.csv").write_text("first_name\n" + "Ayşe\n" * 500)
    status, shown = on_terminal(shop, "", "--yes")
    assert status == 0
    assert "[y/N]" not in shown
    assert "Reading the file" in shown
    assert "500/500" in shown
    assert "Imported 500 rows." in shown


# ---- Interruption ----------------------------------------------------------------------------------------------------


def started(shop: Shop, rows: int) -> subprocess.Popen[str]:
    """Start `regulars import -` and write rows to its pipe."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "regulars", "import", "-", "--tenant", str(shop.tenant), "--database", shop.world.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin
    process.stdin.write("first_name,last_name\n" + "".join(f"Great{number},Load\n" for number in range(rows)))
    process.stdin.flush()
    return process


def test_an_interrupted_import_is_cancelled_and_can_be_undone(shop: Shop) -> None:
    rows = 20_000
    with started(shop, rows) as process:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
        while process.poll() is None and not shop_total(shop):
            continue
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, err) == (130, "")
    assert "Cancelled. To remove what was imported: regulars import undo " in out
    ((number, state, *_),) = imports(shop)
    assert (state, jobs(shop)[0][2]) == ("cancelled", "cancelled")
    stored = shop_total(shop)
    assert 0 < stored < rows
    assert check_counts(shop.world.database, shop.tenant) == []
    assert shop.run("import", "undo", number).text == f"Removed {stored:,}, restored 0, kept 0 customers.\n"
    assert shop_total(shop) == 0


def test_an_interrupt_after_the_last_row_comes_too_late(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("regulars.customers.imports.run.ANALYZE_ROWS", 1)
    monkeypatch.setattr("regulars.customers.imports.run.analyze_after_load", interrupt)
    Path("people.csv").write_text("first_name\nAyşe\n", encoding="utf-8")
    done = shop.run("import", "people.csv")
    assert (done.status, "Cancelled" in done.text) == (0, False)
    assert imports(shop)[0][1:3] == ["imported", "1"]


def test_a_cancelled_import_continues_where_it_stopped(shop: Shop) -> None:
    rows = 20_000
    with started(shop, rows) as process:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
        while process.poll() is None and not shop_total(shop):
            continue
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 130
    assert shop.run("job", "retry", jobs(shop)[0][0]).status == 0
    work(shop.world)
    assert imports(shop)[0][1:3] == ["imported", str(f"{rows:,}")]
    assert len(set(shop.names())) == shop_total(shop) == rows


@pytest.mark.slow
def test_an_import_that_another_process_has_claimed_goes_on_there(shop: Shop) -> None:
    rows = 20_000
    with started(shop, rows) as process:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
        while process.poll() is None and not shop_total(shop):
            continue
        while process.poll() is None and not (job := claim_next(shop.world.database)):
            end_claims(shop.world)
        _, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 1
    assert err.startswith("regulars: Another process continues the import.")
    assert job is not None
    run_job(shop.world.database, HANDLERS, job)
    assert imports(shop)[0][1:3] == ["imported", f"{rows:,}"]
    assert len(set(shop.names())) == shop_total(shop) == rows


def test_an_interrupted_upload_leaves_nothing(shop: Shop) -> None:
    with started(shop, 10_000) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, err) == (130, "")
    assert imports(shop) == jobs(shop) == []
    assert shop.customers() == []


def shop_total(shop: Shop) -> int:
    """Return the number of stored customers."""
    return int(shop.world.get(params={"limit": 1}, tenant=shop.tenant).json["meta"]["total"])
