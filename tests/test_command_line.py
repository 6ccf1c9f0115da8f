"""The command line, as a person and as a script meets it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.cli.main import run
from tests.postgres import Server

Regulars = Callable[..., tuple[int, str, str]]


@pytest.fixture
def regulars(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Regulars:
    """Run a command: its exit status, what it printed, and what it said about errors."""

    def command(*arguments: object, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return command


def one_tenant(regulars: Regulars) -> int:
    status, out, err = regulars(
        "tenant", "create", "--name", "Klinik", "--timezone", "Europe/Istanbul", "--locale", "tr-TR", "--country", "tr"
    )
    assert (status, err) == (0, "")
    return int(out)


def one_user(regulars: Regulars, email: str = "Alice@Example.com") -> int:
    status, out, err = regulars(
        "user", "create", "--email", email, "--name", "Alice", "--password-stdin", stdin="long enough\n"
    )
    assert (status, err) == (0, "")
    return int(out)


def test_from_nothing_to_a_token(regulars: Regulars) -> None:
    tenant, user = one_tenant(regulars), one_user(regulars)
    assert Path("regulars.db").exists()
    assert regulars("member", "add", "--tenant", tenant, "--user", "alice@example.com", "--role", "owner") == (
        0,
        f"{user}\n",
        "",
    )
    status, out, err = regulars(
        "token", "create", "--user", "ALICE@example.com", "--tenant", tenant, "--expires", "30s"
    )
    assert (status, err) == (0, "")
    assert out.count(".") == 2
    assert out.count("\n") == 1


def test_lists_are_lines_for_a_script_and_json_on_demand(regulars: Regulars) -> None:
    tenant, user = one_tenant(regulars), one_user(regulars)
    regulars("member", "add", "--tenant", tenant, "--user", "alice@example.com", "--role", "agent")
    assert regulars("tenant", "list")[1].startswith(f"{tenant}\tKlinik\tEurope/Istanbul\ttr-TR\tTR\t")
    assert regulars("user", "list")[1].startswith(f"{user}\talice@example.com\tAlice\t")
    members = json.loads(regulars("member", "list", "--tenant", tenant, "--json")[1])
    assert members[0] | {"created_at": ""} == {
        "user_id": user,
        "email": "alice@example.com",
        "name": "Alice",
        "role": "agent",
        "created_at": "",
    }
    status, out, _ = regulars("tenant", "create", "--name", "Second", "--json")
    assert status == 0
    assert json.loads(out)["name"] == "Second"


def test_the_private_key_and_the_password_are_not_in_the_database_file(regulars: Regulars) -> None:
    one_user(regulars)
    status, kid, _ = regulars("key", "rotate")
    assert status == 0
    assert regulars("key", "list")[1].startswith(kid.strip())
    content = (
        Path("regulars.db").read_bytes() + Path("regulars.db-wal").read_bytes()
        if Path("regulars.db-wal").exists()
        else Path("regulars.db").read_bytes()
    )
    assert b"long enough" not in content
    assert b'"d":' not in content
    assert Path("regulars.db.secret").stat().st_mode & 0o077 == 0


def test_another_secret_key_is_told_in_one_sentence(regulars: Regulars, monkeypatch: pytest.MonkeyPatch) -> None:
    one_user(regulars)
    regulars("key", "rotate")
    monkeypatch.setenv("REGULARS_SECRET_KEY", "another secret key that is long enough")
    status, out, err = regulars("token", "create", "--user", "alice@example.com")
    assert (status, out) == (1, "")
    assert "encrypted with another secret key" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenant", "create", "--name", " ", "--timezone", "Mars/Base", "--locale", "??", "--country", "ZZ"), "name"),
        (("user", "create", "--email", "nobody", "--name", "X", "--password-stdin"), "nobody"),
        (("user", "create", "--email", "a@b.co", "--name", "X"), "--password-stdin"),
        (("member", "add", "--tenant", "7", "--user", "alice@example.com", "--role", "owner"), "tenant 7"),
        (("member", "add", "--tenant", "1", "--user", "nobody@example.com", "--role", "owner"), "nobody@example.com"),
        (("member", "list", "--tenant", "99999999999999999999"), "tenant"),
        (("token", "create", "--user", "alice@example.com", "--scope", "everything"), "everything"),
        (("token", "create", "--user", "alice@example.com", "--expires", "soon"), "soon"),
        (("token", "create", "--user", "alice@example.com", "--tenant", "1"), "tenant 1"),
        (("token", "create", "--user", "ghost@example.com"), "ghost@example.com"),
        (("token", "revoke", "abc"), "token"),
        (("key", "rotate", "--algorithm", "none"), "EdDSA"),
        (("tenant", "list", "--database", "mysql://x"), "sqlite:///"),
        (("tenant", "list", "--database", "sqlite:///no/such/folder/x.db"), "folder"),
        (("tenant", "list", "--database", "sqlite://"), "sqlite:///regulars.db"),
        (("tenant", "list", "--database", "postgresql://127.0.0.1:1/none"), "does not answer"),
        (("tenant", "list", "--database", "postgresql://[::1/x"), "database"),
        (("serve", "--port", "70000"), "70000"),
        (("serve", "--workers", "0"), "workers"),
    ],
)
def test_what_is_refused_is_said_in_sentences_and_changes_nothing(
    regulars: Regulars, arguments: tuple[str, ...], said: str
) -> None:
    one_tenant(regulars)
    one_user(regulars)
    before = [regulars(noun, "list")[1] for noun in ("tenant", "user")]
    status, out, err = regulars(*arguments, stdin="short\n")
    assert (status, out) == (1, "")
    assert said in err
    assert "Traceback" not in err
    assert all(line.startswith("regulars: ") for line in err.splitlines())
    assert [regulars(noun, "list")[1] for noun in ("tenant", "user")] == before


def test_wrong_usage_is_status_2(regulars: Regulars) -> None:
    for arguments in (("tenant", "make"), ("member", "add"), ("--nonsense",), ("member", "list", "--tenant", "x")):
        assert regulars(*arguments)[0] == 2


def test_help_is_on_everything(regulars: Regulars) -> None:
    groups = ("tenant", "user", "member", "token", "key")
    for group in groups:
        assert regulars(group, "--help")[0] == 0
    commands = ["demo", "serve", "migrate", "seed", "import", "export", "settings", "tenant create", "user create"]
    commands += ["member add", "token create", "token revoke", "key rotate", "key list"]
    for command in commands:
        status, out, _ = regulars(*command.split(), "--help")
        assert status == 0
        assert "Usage:" in out


def test_a_database_that_is_newer_is_refused(regulars: Regulars) -> None:
    import sqlite3

    one_tenant(regulars)
    with sqlite3.connect("regulars.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2999_01_01_future'")
    connection.close()
    for command in (("migrate",), ("tenant", "list"), ("serve",)):
        status, _, err = regulars(*command)
        assert status == 1
        assert "newer than this program" in err
        assert "2999_01_01_future" in err


def test_a_file_that_is_no_database_is_refused(regulars: Regulars) -> None:
    Path("regulars.db").write_bytes(b"this is not a database, " * 100)
    status, _, err = regulars("tenant", "list")
    assert status == 1
    assert "not a database" in err


def test_an_empty_postgresql_database_must_be_migrated_first(regulars: Regulars, postgres_server: Server) -> None:
    postgres_server.execute("CREATE DATABASE still_empty")
    url = f"{postgres_server.url}/still_empty"
    status, _, err = regulars("tenant", "list", "--database", url)
    assert status == 1
    assert "regulars migrate" in err
    assert regulars("migrate", "--database", url)[0] == 0
    assert regulars("migrate", "--database", url)[1].startswith("The database is up to date")
    assert regulars("tenant", "list", "--database", url) == (0, "", "")


def test_the_installed_command_ends_with_the_same_statuses(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "regulars"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    version = subprocess.run([*command, "--version"], capture_output=True, check=False, env=environment)
    assert (version.returncode, version.stdout[:9]) == (0, b"regulars ")
    refused = subprocess.run(
        [*command, "tenant", "list", "--database", "x"], capture_output=True, check=False, cwd=tmp_path, env=environment
    )
    assert refused.returncode == 1
    assert b"Traceback" not in refused.stderr


def test_a_password_is_kept_as_an_argon2id_hash_alone(regulars: Regulars) -> None:
    one_user(regulars)
    content = b"".join(path.read_bytes() for path in Path().glob("regulars.db*"))
    assert b"$argon2id$v=19$" in content
    assert b"long enough" not in content
