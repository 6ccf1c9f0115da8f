"""The `regulars` command: its groups, and the exit status after an error."""

import logging
import os
import sys
from itertools import chain

import typer
from typer.exceptions import TyperException

from regulars import __version__
from regulars.cli import (
    applications,
    audit,
    channels,
    counts,
    customers,
    distribute,
    exports,
    imports,
    jobs,
    keys,
    mail,
    members,
    schema,
    secret,
    seed,
    serve,
    settings,
    tenants,
    tokens,
    trash,
    users,
    work,
)
from regulars.cli.output import print_line
from regulars.errors import Invalid, RegularsError

FAILED = 1
UNEXPECTED = 70
INTERRUPTED = 130

app = typer.Typer(
    name="regulars",
    help="A self-hosted, multi-tenant customer directory.",
    epilog="Exit status: 0 success; 1 failure, nothing changed; 2 wrong usage; 3 imported, but some rows were refused.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(serve.demo)
app.command("serve")(serve.serve)
app.command("work")(work.work)
app.command("migrate")(schema.migrate_database)
app.command("distribute")(distribute.distribute_schema)
app.command("seed")(seed.seed)
app.command("export")(exports.export_customers)
app.command("counts")(counts.count)
app.command("settings")(settings.show_settings)
app.command("audit")(audit.show_audit)
app.add_typer(tenants.app, name="tenant")
app.add_typer(users.app, name="user")
app.add_typer(members.app, name="member")
app.add_typer(channels.app, name="channel")
app.add_typer(tokens.app, name="token")
app.add_typer(applications.app, name="app")
app.add_typer(keys.app, name="key")
app.add_typer(secret.app, name="secret")
app.add_typer(mail.app, name="mail")
app.add_typer(customers.app, name="customer")
app.add_typer(trash.app, name="trash")
app.add_typer(imports.app, name="import")
app.add_typer(jobs.app, name="job")


def _version(wanted: bool) -> None:
    if wanted:
        print_line(f"regulars {__version__}")
        raise typer.Exit


@app.callback()
def regulars(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    """A self-hosted, multi-tenant customer directory."""


def run(arguments: list[str] | None = None) -> int:
    """Run the command line with `arguments` (default: those of the process). Return the exit status.

    Errors are printed to standard error.
    """
    # The commands print the errors of the database. An interrupt during a statement would add a message of psycopg.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        status = app(args=arguments, standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output, such as `head`, has exited. Exit silently: Python's last flush goes to /dev/null.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _refused(error)


def _refused(error: Exception) -> int:
    """Print an error to standard error and return the exit status for it."""
    match error:
        case TyperException():
            # The message is empty if a group was called without a command: Typer has already printed its help.
            if error.format_message():
                _say(error.format_message())
            return error.exit_code
        case Invalid():
            for sentence in chain.from_iterable(error.errors.values()):
                _say(sentence)
            return FAILED
        case RegularsError():
            _say(error.message_for_operator)
            return FAILED
        case _:
            _say(f"Unexpected error ({type(error).__name__}: {error}). Please report it.")
            return UNEXPECTED


def _say(sentence: str) -> None:
    print_safely = sentence.encode("utf-8", "backslashreplace").decode()
    sys.stderr.write(f"regulars: {print_safely}\n")
