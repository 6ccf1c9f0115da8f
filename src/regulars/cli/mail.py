"""`regulars mail …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_line, print_list
from regulars.errors import ConfigurationError
from regulars.settings import load_settings

app = typer.Typer(help="E-mail that the service sends.", no_args_is_help=True)

MAIL_COLUMNS = ("id", "created_at", "attempts", "next_attempt_at", "last_error")


@app.command("test")
def send_test_message(address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The recipient.")]) -> None:
    """Send a test message now, without the queue."""
    from regulars.clock import utc_now
    from regulars.mail import is_configured
    from regulars.mail.messages import render
    from regulars.mail.smtp import DeliveryError, MailServer
    from regulars.security.tokens import new_id

    settings = load_settings()
    if not is_configured(settings):
        raise ConfigurationError("E-mail is not configured. Set smtp_host and mail_sender.")
    host, port = settings.mail_server
    try:
        with MailServer(settings) as server:
            server.send(render(settings, "test", address, "en"), new_id(), utc_now())
    except DeliveryError as error:
        raise ConfigurationError(f"{host}:{port}: {error.message.rstrip('.')}. Check {error.hint}.") from None
    print_line(f"Delivered to {host}:{port} ({settings.smtp_security}).")


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the messages that wait to be sent, without recipients and contents."""
    from regulars.mail.queue import list_waiting

    with opened(database) as (db, _):
        print_list(list_waiting(db), MAIL_COLUMNS, as_json=as_json)
