"""`regulars user …`"""

import sys
from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_created, print_json, print_list, print_table
from regulars.db.database import Database
from regulars.errors import ConfigurationError

app = typer.Typer(help="Users, who can sign in.", no_args_is_help=True)

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's e-mail address or id.")]
PasswordOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@app.command("create")
def create(
    email: Annotated[str, typer.Option(help="E-mail address for signing in. You vouch for it: it counts as verified.")],
    name: Annotated[str, typer.Option(help="The name that people see.")],
    password_stdin: PasswordOption = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Create a user and print its id. Asks for the password unless it comes from standard input."""
    from regulars.accounts.users import create_user

    password = _password(from_stdin=password_stdin)
    with opened(database) as (db, _):
        print_created(create_user(db, email=email, name=name, password=password), as_json=as_json)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ConfigurationError("There is no terminal to ask for the password. Use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@app.command("password")
def reset_password(user: UserArgument, password_stdin: PasswordOption = False, database: DatabaseOption = None) -> None:
    """Change a user's password and end all access: sessions, applications, personal tokens and passkeys.

    Asks for the password like 'create'. A second factor stays; see 'reset-factors'.
    """
    from regulars.accounts.passwords import hash_new_password, store_password
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, settings):
        found = get_named_user(db, user)
        new_hash = hash_new_password(found, _password(from_stdin=password_stdin))
        store_password(db, settings, found, new_hash, with_tokens=True, with_passkeys=True)


@app.command("rename")
def rename(
    user: UserArgument,
    name: Annotated[str, typer.Option(help="The name that people see.")],
    database: DatabaseOption = None,
) -> None:
    """Rename a user."""
    from regulars.accounts.users import get_named_user, update_name

    with opened(database) as (db, _):
        update_name(db, get_named_user(db, user).id, name)


@app.command("address")
def set_address(
    user: UserArgument,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The new address.")],
    database: DatabaseOption = None,
) -> None:
    """Change a user's e-mail address. You vouch for the new one: it counts as verified."""
    from regulars.accounts.email_addresses import set_email
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        set_email(db, get_named_user(db, user), email)


@app.command("verify")
def verify(user: UserArgument, database: DatabaseOption = None) -> None:
    """Mark a user's e-mail address as verified, so that 'member add' and recovery find it.

    Be sure that the user receives mail there.
    """
    from regulars.accounts.email_addresses import set_email
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        found = get_named_user(db, user)
        set_email(db, found, found.email)


@app.command("disable")
def disable(user: UserArgument, database: DatabaseOption = None) -> None:
    """Refuse a user everywhere within a second, and end sessions, applications and personal tokens."""
    from regulars.accounts.administration import disable_user
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        disable_user(db, get_named_user(db, user))


@app.command("enable")
def enable(user: UserArgument, database: DatabaseOption = None) -> None:
    """Let a disabled user sign in again."""
    from regulars.accounts.administration import enable_user
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        enable_user(db, get_named_user(db, user))


@app.command("delete")
def delete(
    user: UserArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Delete a user: end memberships and access, and erase the name, address and password.

    The id stays, because customers and their history refer to it. Refused for the last owner of a tenant.
    """
    from regulars.accounts.administration import delete_user
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        found = get_named_user(db, user)
        if not yes:
            typer.confirm(f"Delete user {found.id}, {found.name} ({found.email})?", abort=True, err=True)
        delete_user(db, found)


@app.command("reset-factors")
def reset_factors(user: UserArgument, database: DatabaseOption = None) -> None:
    """Turn off the second factor and delete the passkeys of a user who has lost them. The password stays."""
    from regulars.accounts.administration import reset_factors as reset
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        reset(db, get_named_user(db, user))


@app.command("access")
def show_access(user: UserArgument, as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List a user's sessions, applications, personal tokens and passkeys."""
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        rows = _access_rows(db, get_named_user(db, user).id)
    columns = ("kind", "id", "name", "last_used")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


def _access_rows(database: Database, user_id: int) -> list[tuple[str, str, str, str]]:
    from regulars.accounts.passkeys import list_passkeys
    from regulars.accounts.personal_tokens import list_personal_tokens
    from regulars.accounts.sessions import list_sessions
    from regulars.oauth.connected_apps import list_connections

    sessions = [
        ("session", session.id, f"{session.address} {session.user_agent}", session.used_at)
        for session in list_sessions(database, user_id)
    ]
    applications = [
        ("application", connection.client_id, connection.name, connection.used_at)
        for connection in list_connections(database, user_id)
    ]
    tokens = [("token", token.id, token.name, token.used_at) for token in list_personal_tokens(database, user_id)]
    passkeys = [("passkey", passkey.id, passkey.name, passkey.used_at) for passkey in list_passkeys(database, user_id)]
    return [
        (kind, number, name, f"{used:{TIME_FORMAT}}" if used else "")
        for kind, number, name, used in (*sessions, *applications, *tokens, *passkeys)
    ]


@app.command("end-access")
def end_access(
    user: UserArgument,
    number: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="End only this session, application, token or passkey.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """End all sessions, applications and personal tokens of a user, or only one with its id from 'access'."""
    from regulars.accounts.users import get_named_user

    with opened(database) as (db, _):
        found = get_named_user(db, user)
        if number is None:
            _end_all(db, found.id)
        else:
            _end_one(db, found.id, number)


def _end_all(database: Database, user_id: int) -> None:
    from regulars.accounts.access import end_access as end
    from regulars.oauth.connected_apps import disconnect, list_connections

    with database.transaction():
        for connection in list_connections(database, user_id):
            disconnect(database, user_id, connection.client_id)
        end(database, user_id, with_tokens=True)


def _end_one(database: Database, user_id: int, number: str) -> None:
    from regulars.accounts.passkeys import delete_passkey
    from regulars.accounts.personal_tokens import revoke_personal_token
    from regulars.accounts.sessions import end_session
    from regulars.errors import NotFound
    from regulars.oauth.connected_apps import disconnect

    kinds = {kind for kind, known, _name, _used in _access_rows(database, user_id) if known == number}
    if not kinds:
        raise NotFound(f"The user has no session, application, token or passkey {number}. See 'regulars user access'.")
    match kinds.pop():
        case "session":
            end_session(database, user_id, number)
        case "application":
            disconnect(database, user_id, number)
        case "token":
            revoke_personal_token(database, number, user_id)
        case _:
            delete_passkey(database, user_id, number)


@app.command("link")
def link(
    user: UserArgument,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The claim 'sub' in the tokens of that server.")],
    database: DatabaseOption = None,
) -> None:
    """Link a user to the subject of an external authorization server (the setting `issuer`)."""
    from regulars.accounts.users import get_named_user, link_subject

    with opened(database) as (db, _):
        link_subject(db, get_named_user(db, user), subject)


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the users."""
    from regulars.accounts.users import list_users

    with opened(database) as (db, _):
        columns = ("id", "email", "name", "created_at", "email_verified_at", "disabled_at")
        print_list(list_users(db), columns, as_json=as_json)
