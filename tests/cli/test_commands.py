"""Command line, used by people and by scripts."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.accounts.passwords import confirm_password
from regulars.accounts.sessions import find_session, start_session
from regulars.cli.audit import show_audit
from regulars.cli.main import run
from regulars.db.connect import open_database
from regulars.oauth.access_tokens import is_revoked, issue_access_token, verify_access_token
from regulars.oauth.signing_keys import public_keys
from regulars.settings import load_settings
from tests.support.postgres import Server

Regulars = Callable[..., tuple[int, str, str]]


@pytest.fixture
def regulars(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Regulars:
    """Run a command; return its exit status, stdout and stderr."""

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
    assert re.fullmatch(r"rgl_pat_[0-9A-Za-z]{49}\n", out)


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


def test_a_token_is_listed_and_revoked_by_its_id_or_by_itself(regulars: Regulars) -> None:
    one_user(regulars)
    create = ("token", "create", "--user", "alice@example.com")
    _, first, _ = regulars(*create, "--name", "backup", "--expires", "30d", "--scope", "customers:write customers:read")
    _, second, _ = regulars(*create)
    one, two = json.loads(regulars("token", "list", "--json")[1])
    assert (one["user"], one["name"], one["scopes"]) == (
        "alice@example.com",
        "backup",
        "customers:read customers:write",
    )
    assert (two["name"], two["scopes"], two["tenant_id"], two["used_at"]) == (
        "command line",
        "customers:read",
        None,
        None,
    )
    lines = regulars("token", "list", "--user", "Alice@example.com")[1]
    assert lines.startswith(f"{one['id']}\talice@example.com\tbackup\tcustomers:read customers:write\t")
    assert first.strip() not in lines
    assert regulars("token", "revoke", one["id"]) == (0, "", "")
    assert regulars("token", "revoke", stdin=second) == (0, "", "")
    assert regulars("token", "list") == (0, "", "")
    for gone in (one["id"], second.strip()):
        status, out, err = regulars("token", "revoke", gone)
        assert (status, out) == (1, "")
        assert "does not exist" in err


def test_an_access_token_is_revoked_too(regulars: Regulars) -> None:
    user = one_user(regulars)
    settings = load_settings()
    database = open_database(settings.database)
    token = issue_access_token(database, settings, user, ["customers:read"])
    assert regulars("token", "revoke", token) == (0, "", "")
    claims = verify_access_token(token, public_keys(database, settings), settings, int(time.time()))
    assert is_revoked(database, claims.token_id)
    database.close()


def test_a_member_is_removed_and_added_again_but_the_last_owner_stays(regulars: Regulars) -> None:
    tenant, _ = one_tenant(regulars), one_user(regulars)
    bob = one_user(regulars, "bob@example.com")
    regulars("member", "add", "--tenant", tenant, "--user", "alice@example.com", "--role", "owner")
    regulars("member", "add", "--tenant", tenant, "--user", "bob@example.com", "--role", "admin")
    remove_bob = ("member", "remove", "--tenant", tenant, "--user", "bob@example.com")
    assert regulars(*remove_bob) == (0, "", "")
    assert "bob@example.com" not in regulars("member", "list", "--tenant", tenant)[1]
    status, _, err = regulars(*remove_bob)
    assert status == 1
    assert "not a member" in err
    status, _, err = regulars("member", "remove", "--tenant", tenant, "--user", "alice@example.com")
    assert status == 1
    assert "last owner" in err
    regulars("member", "add", "--tenant", tenant, "--user", "bob@example.com", "--role", "viewer")
    members = json.loads(regulars("member", "list", "--tenant", tenant, "--json")[1])
    assert (members[1]["user_id"], members[1]["role"]) == (bob, "viewer")


def test_the_last_owner_cannot_be_made_less(regulars: Regulars) -> None:
    tenant, alice = one_tenant(regulars), one_user(regulars)
    one_user(regulars, "bob@example.com")
    add = ("member", "add", "--tenant", tenant, "--user")
    regulars(*add, "alice@example.com", "--role", "owner")
    status, out, err = regulars(*add, "alice@example.com", "--role", "admin")
    assert (status, out) == (1, "")
    assert "last owner" in err
    assert regulars(*add, "alice@example.com", "--role", "owner") == (0, f"{alice}\n", "")
    regulars(*add, "bob@example.com", "--role", "owner")
    assert regulars(*add, "alice@example.com", "--role", "admin") == (0, f"{alice}\n", "")
    events = json.loads(regulars("audit", "--json", "--limit", 1)[1])
    assert (events[0]["kind"], events[0]["client_id"]) == ("member.changed", "command-line")
    assert (events[0]["about"], events[0]["tenant_id"]) == (f"user {alice}: admin", int(tenant))


def test_a_tenants_settings_are_changed(regulars: Regulars) -> None:
    tenant = one_tenant(regulars)
    assert regulars("tenant", "update", tenant, "--name", "Salon", "--timezone", "Europe/Paris") == (0, "", "")
    update = ("tenant", "update", tenant, "--locale", "fr-FR", "--country", "fr", "--json")
    settings = ("--logo-url", "https://example.com/a.png", "--unique-fields", "email, phone_number")
    changed = json.loads(regulars(*update, *settings)[1])
    del changed["created_at"]
    assert changed == {
        "id": tenant,
        "name": "Salon",
        "timezone": "Europe/Paris",
        "locale": "fr-FR",
        "country": "FR",
        "logo_url": "https://example.com/a.png",
        "unique_fields": ["phone_number", "email"],
    }
    emptied = json.loads(regulars(*update, "--logo-url", "", "--unique-fields", "")[1])
    assert (emptied["logo_url"], emptied["unique_fields"]) == (None, [])


def test_channels_are_created_renamed_and_deleted(regulars: Regulars) -> None:
    of_tenant = ("--tenant", one_tenant(regulars))
    assert regulars("channel", "create", *of_tenant, "--kind", "website", "--name", " Shop ") == (0, "5\n", "")
    assert regulars("channel", "rename", 5, *of_tenant, "--name", "Store") == (0, "", "")
    assert regulars("channel", "list", *of_tenant)[1].splitlines()[-1] == "5\twebsite\tStore"
    assert regulars("channel", "delete", 5, *of_tenant) == (0, "", "")
    assert len(json.loads(regulars("channel", "list", *of_tenant, "--json")[1])) == 4
    status, _, err = regulars("channel", "delete", 5, *of_tenant)
    assert (status, "no channel 5" in err) == (1, True)


def test_a_user_is_renamed(regulars: Regulars) -> None:
    one_user(regulars)
    assert regulars("user", "rename", "alice@example.com", "--name", "Alice Ü.") == (0, "", "")
    assert "\tAlice Ü.\t" in regulars("user", "list")[1]


def test_a_password_is_reset_which_signs_the_user_out(regulars: Regulars) -> None:
    user = one_user(regulars)
    settings = load_settings()
    database = open_database(settings.database)
    _, cookie = start_session(database, settings, user, ["pwd"], user_agent="", address="127.0.0.1")
    reset = ("user", "password", "ALICE@example.com", "--password-stdin")
    assert regulars(*reset, stdin="even longer\n") == (0, "", "")
    assert confirm_password(database, user, "even longer")
    assert not confirm_password(database, user, "long enough")
    assert find_session(database, settings, cookie) is None
    database.close()


def test_a_user_is_linked_to_one_subject_of_an_outside_server(regulars: Regulars) -> None:
    one_user(regulars)
    one_user(regulars, "bob@example.com")
    assert regulars("user", "link", "alice@example.com", "auth0|4711") == (0, "", "")
    assert regulars("user", "link", "alice@example.com", "auth0|4711") == (0, "", "")
    status, _, err = regulars("user", "link", "bob@example.com", "auth0|4711")
    assert status == 1
    assert "alice@example.com" in err


def test_the_audit_log_shows_the_newest_events_first(regulars: Regulars, capsys: pytest.CaptureFixture[str]) -> None:
    user = one_user(regulars)
    regulars("token", "create", "--user", "alice@example.com")
    token_id = json.loads(regulars("token", "list", "--json")[1])[0]["id"]
    regulars("token", "revoke", token_id)
    show_audit(limit=1)
    assert capsys.readouterr().out.split("\t")[1:] == [
        "personal_token.revoked",
        str(user),
        "null",
        token_id,
        "null",
        "null\n",
    ]
    tenant = one_tenant(regulars)
    regulars("member", "add", "--tenant", tenant, "--user", "alice@example.com", "--role", "owner")
    of_tenant = json.loads(regulars("audit", "--tenant", tenant, "--json")[1])
    assert [(event["kind"], event["tenant_id"]) for event in of_tenant] == [("member.added", tenant)]
    show_audit(as_json=True)
    kinds = [event["kind"] for event in json.loads(capsys.readouterr().out)]
    assert kinds == ["member.added", "personal_token.revoked", "personal_token.created", "user.created"]


def test_repeated_scopes_add_up(regulars: Regulars) -> None:
    one_user(regulars)
    scopes = ("--scope", "customers:read users:read", "--scope", "tenants:read")
    regulars("token", "create", "--user", "alice@example.com", *scopes)
    token = json.loads(regulars("token", "list", "--json")[1])[0]
    assert set(token["scopes"].split()) == {"customers:read", "users:read", "tenants:read"}
    app = json.loads(regulars("app", "create", "--name", "X", "--kind", "device", *scopes, "--json")[1])
    assert set(app["scope"].split()) == {"customers:read", "users:read", "tenants:read"}


def test_a_customers_life_on_the_command_line(regulars: Regulars) -> None:
    tenant = one_tenant(regulars)
    here = ("--tenant", tenant)

    def done(*arguments: object, stdin: str = "") -> str:
        status, out, err = regulars("customer", *arguments, *here, stdin=stdin)
        assert (status, err) == (0, "")
        return out.strip()

    first = done("create", '{"first_name": "Ayşe", "phone_number": "0532 111 22 33"}')
    second = done("create", '{"first_name": "Ayse", "email": "ayse@example.com"}')
    done("update", first, '{"job": "Avukat"}')
    done("merge", first, second)
    held = json.loads(done("show", first))
    assert held["customer"]["customer"]["email"] == "ayse@example.com"
    assert [(change["action"], change["client_id"]) for change in held["customer"]["history"]] == [
        (action, "command-line") for action in ("created", "updated", "merged")
    ]
    done("unmerge", first, second)
    done("trash", second)
    done("restore", second)
    done("trash", second)
    done("purge", second)
    assert done("erase", first).splitlines() == ["first_name", "job", "phone_number", "phone_number_as_typed"]
    for number in (first, second):
        status, _, err = regulars("customer", "show", number, *here)
        assert (status, err) == (1, f"regulars: There is no customer {number}.\n")


def test_an_invalid_customer_is_refused_on_the_command_line(regulars: Regulars) -> None:
    tenant = one_tenant(regulars)
    for fields in ("{", '{"first_name": ""}', '{"first_name": "A", "first_name": "B"}', "[]", '{"x": 1}'):
        status, out, err = regulars("customer", "create", fields, "--tenant", tenant)
        assert (status, out) == (1, "")
        assert err.startswith("regulars: ")
    assert regulars("customer", "erase", "0", "--tenant", tenant)[0] == 2
    status, _, err = regulars("customer", "trash", "1", "--tenant", "99")
    assert (status, err.startswith("regulars: There is no tenant 99")) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenant", "create", "--name", " ", "--timezone", "Mars/Base", "--locale", "??", "--country", "ZZ"), "name"),
        (("tenant", "update", "1", "--name", " ", "--timezone", "Mars/Base", "--unique-fields", "job"), "timezone"),
        (("tenant", "update", "7", "--name", "A"), "tenant 7"),
        (("channel", "create", "--tenant", "7", "--kind", "website", "--name", "A"), "tenant 7"),
        (("channel", "create", "--tenant", "1", "--kind", "website", "--name", ""), "name"),
        (("channel", "list", "--tenant", "7"), "tenant 7"),
        (("channel", "rename", "9", "--tenant", "1", "--name", "A"), "channel 9"),
        (("user", "rename", "ghost@example.com", "--name", "A"), "ghost@example.com"),
        (("user", "rename", "alice@example.com", "--name", " "), "name"),
        (("user", "create", "--email", "nobody", "--name", "X", "--password-stdin"), "nobody"),
        (("user", "create", "--email", "a@b.co", "--name", "X"), "--password-stdin"),
        (("member", "add", "--tenant", "7", "--user", "alice@example.com", "--role", "owner"), "tenant 7"),
        (("member", "add", "--tenant", "1", "--user", "nobody@example.com", "--role", "owner"), "nobody@example.com"),
        (("member", "list", "--tenant", "99999999999999999999"), "tenant"),
        (("token", "create", "--user", "alice@example.com", "--scope", "everything"), "everything"),
        (("token", "create", "--user", "alice@example.com", "--expires", "soon"), "soon"),
        (("token", "create", "--user", "alice@example.com", "--expires", "366d"), "365 days"),
        (("token", "create", "--user", "alice@example.com", "--expires", "0s"), "1 second"),
        (("token", "create", "--user", "alice@example.com", "--scope", "openid"), "openid"),
        (("token", "create", "--user", "alice@example.com", "--scope", ""), "at least one of the scopes"),
        (("token", "create", "--user", "alice@example.com", "--name", ""), "name"),
        (("token", "create", "--user", "alice@example.com", "--tenant", "1"), "tenant 1"),
        (("token", "list", "--user", "ghost@example.com"), "ghost@example.com"),
        (("member", "remove", "--tenant", "7", "--user", "alice@example.com"), "tenant 7"),
        (("member", "remove", "--tenant", "1", "--user", "ghost@example.com"), "ghost@example.com"),
        (("user", "password", "alice@example.com"), "--password-stdin"),
        (("user", "password", "alice@example.com", "--password-stdin"), "8 to 1024"),
        (("user", "password", "ghost@example.com", "--password-stdin"), "ghost@example.com"),
        (("user", "link", "ghost@example.com", "4711"), "ghost@example.com"),
        (("user", "link", "alice@example.com", ""), "subject"),
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
def test_refused_commands_give_a_sentence_and_change_nothing(
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
    groups = ("tenant", "user", "member", "token", "key", "import", "job")
    for group in groups:
        assert regulars(group, "--help")[0] == 0
    commands = ["demo", "serve", "migrate", "seed", "import", "export", "settings", "tenant create", "user create"]
    commands += ["user password", "user link", "user rename", "member add", "member remove", "tenant update"]
    commands += ["customer list", "customer search", "work", "import file", "import list", "import show"]
    commands += ["import errors", "import undo", "job list", "job show", "job cancel", "job retry"]
    commands += ["channel create", "channel list", "channel rename", "channel delete"]
    commands += ["token create", "token list", "token revoke", "key rotate", "key revoke", "key list", "secret rotate"]
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


def test_only_the_argon2id_hash_of_a_password_is_stored(regulars: Regulars) -> None:
    one_user(regulars)
    content = b"".join(path.read_bytes() for path in Path().glob("regulars.db*"))
    assert b"$argon2id$v=19$" in content
    assert b"long enough" not in content


def test_an_application_is_registered_listed_given_a_new_secret_and_deleted(regulars: Regulars) -> None:
    tenant = one_tenant(regulars)
    web = ("app", "create", "--name", "CRM", "--kind", "web", "--redirect-uri", "https://crm.example/cb")
    status, out, err = regulars(*web)
    client_id, secret = out.split()
    assert (status, err) == (0, "")
    assert client_id[14] == "7", "not a UUID of version 7"
    assert secret.startswith("rgl_secret_")
    phone = ("app", "create", "--name", "App", "--kind", "native", "--redirect-uri", "com.example.my_app://cb")
    assert len(regulars(*phone)[1].split()) == 1
    service = ("app", "create", "--name", "Export", "--kind", "service", "--tenant", tenant, "--json")
    assert json.loads(regulars(*service)[1])["scope"] == "customers:read"
    listed = json.loads(regulars("app", "list", "--json")[1])
    assert [client["name"] for client in listed] == ["CRM", "App", "Export"]
    assert secret not in regulars("app", "list")[1]
    assert [client["name"] for client in json.loads(regulars("app", "list", "--tenant", tenant, "--json")[1])] == [
        "Export"
    ]
    assert regulars("app", "rotate-secret", client_id)[1].strip() not in {secret, ""}
    assert regulars("app", "delete", client_id) == (0, "", "")
    status, _, err = regulars("app", "delete", client_id)
    assert (status, client_id in err) == (1, True)
    status, _, err = regulars("app", "create", "--name", "", "--kind", "web", "--redirect-uri", "http://x.example/")
    assert status == 1
    assert "name" in err
    assert "must start with https://" in err
