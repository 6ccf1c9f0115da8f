"""`regulars user …`"""

import sys
from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_created, print_list
from regulars.errors import ConfigurationError

app = typer.Typer(help="Users, who can sign in.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]
PasswordOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command("create")
def create(
    email: Annotated[str, typer.Option(help="E-mail address for signing in.")],
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
def reset_password(
    email: EmailArgument, password_stdin: PasswordOption = False, database: DatabaseOption = None
) -> None:
    """Change a user's password and end all sessions. Asks for the password like `create`."""
    from regulars.accounts.passwords import change_password
    from regulars.accounts.sessions import end_other_sessions
    from regulars.accounts.users import get_user_by_email

    with opened(database) as (db, _):
        user = get_user_by_email(db, email)
        password = _password(from_stdin=password_stdin)
        with db.transaction():
            change_password(db, user.id, password)
            end_other_sessions(db, user.id, keep=None)


@app.command("rename")
def rename(
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="The name that people see.")],
    database: DatabaseOption = None,
) -> None:
    """Rename a user."""
    from regulars.accounts.users import get_user_by_email, update_name

    with opened(database) as (db, _):
        update_name(db, get_user_by_email(db, email).id, name)


@app.command("link")
def link(
    email: EmailArgument,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The claim 'sub' in the tokens of that server.")],
    database: DatabaseOption = None,
) -> None:
    """Link a user to the subject of an external authorization server (the setting `issuer`)."""
    from regulars.accounts.users import link_subject

    with opened(database) as (db, _):
        link_subject(db, email, subject)


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the users."""
    from regulars.accounts.users import list_users

    with opened(database) as (db, _):
        print_list(list_users(db), ("id", "email", "name", "created_at"), as_json=as_json)
