"""`regulars serve` and `regulars demo`"""

import base64
import hashlib
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from regulars.cli.database import opened_with
from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line
from regulars.cli.progress import progress_bar
from regulars.db.database import Database
from regulars.errors import ConfigurationError, Unavailable
from regulars.settings import Settings, load_settings

HostOption = Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]", show_default=False)]


def serve(
    database: DatabaseOption = None,
    host: HostOption = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: 8000]", show_default=False)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes. [default: one for each core, at most 16]", show_default=False)
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Address of the service for clients. [default: http://localhost and the port]"
        ),
    ] = None,
    allowed_hosts: Annotated[
        str | None,
        typer.Option(metavar="HOSTS", help="Without a public URL: hosts that requests may name, besides localhost."),
    ] = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(metavar="NETWORKS", help="Trusted senders of X-Forwarded headers, such as 127.0.0.1, 10.0.0.0/8."),
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="auto, json or text. [default: auto]")] = None,
    jobs: Annotated[
        bool, typer.Option("--jobs/--no-jobs", help="Run jobs, such as imports, or leave them to 'regulars work'.")
    ] = True,
    reload: Annotated[
        bool, typer.Option("--reload", help="For development: restart when a source file changes. One worker.")
    ] = False,
) -> None:
    """Run the server until SIGINT or SIGTERM.

    An SQLite database is created and migrated if necessary. A PostgreSQL database must be migrated with 'regulars
    migrate'.
    """
    settings = load_settings(
        {
            "database": database,
            "host": host,
            "port": port,
            "workers": 1 if reload and workers is None else workers,
            "public_url": public_url,
            "allowed_hosts": allowed_hosts,
            "trusted_proxies": trusted_proxies,
            "log_format": log_format,
        }
    )
    from regulars.oauth.signing_keys import current_key
    from regulars.security.encryption import secret_keys

    try:
        with opened_with(settings) as db:
            # Stop with an explanation if the secret key is wrong. This also creates the first signing key.
            current_key(db, settings)
    except Unavailable as error:
        secret_keys(settings)
        # Start anyway: the database may recover. Until then, requests get 503, and /readyz shows the reason.
        sys.stderr.write(f"regulars: {error.message_for_operator}\n")
    _warn_about_proxy(settings)
    _listen(settings, reload=reload, has_jobs=jobs)


def demo(
    customers: Annotated[int, typer.Option(min=1, max=5_000_000, help="Number of customers to generate.")] = 10_000,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    data: Annotated[Path, typer.Option(help="Folder for the demo's database.")] = Path("regulars-data"),
) -> None:
    """Run a server with generated people, and show how to use it. Another run uses the same data."""
    from regulars.oauth.signing_keys import current_key
    from regulars.sample_data.demo import demo_password, fill_demo
    from regulars.sample_data.people import check_faker

    if not (data / "regulars.db").exists():
        check_faker()
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The folder {data} cannot be created: {error.strerror}.") from None
    settings = load_settings({"database": f"sqlite:///{data / 'regulars.db'}", "port": port})
    _check_free(settings)
    with opened_with(settings) as database:
        current_key(database, settings)
        with progress_bar("Generating customers", customers) as progress:
            fill_demo(database, data, customers, progress)
        _explain(settings, database, demo_password(data))
    _listen(settings)


def _demo_token(database: Database) -> str:
    """Create a personal access token of the demo's owner, valid for an hour, and return it."""
    from regulars.accounts.personal_tokens import create_personal_token
    from regulars.accounts.users import get_named_user
    from regulars.sample_data.demo import OWNER
    from regulars.scopes import SCOPES

    owner = get_named_user(database, OWNER)
    scopes = [scope for scope in SCOPES if ":" in scope]
    return create_personal_token(database, owner.id, name="demo", scopes=scopes, tenant_id=None, lifetime=3600)[1]


def _explain(settings: Settings, database: Database, password: str) -> None:
    from regulars.sample_data.demo import OWNER, demo_application, demo_callback
    from regulars.tenants.tenants import list_tenants

    token, tenant_id = _demo_token(database), list_tenants(database)[0].id
    url, callback = settings.origin, demo_callback(settings)
    client_id = demo_application(database, callback).id
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    request = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": callback,
        "scope": "openid profile customers:read",
        "state": secrets.token_urlsafe(8),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    for line in (
        "",
        f"Console:       {url}",
        f"API docs:      {url}/api/docs",
        f"Sign in as:    {OWNER}, password {password}",
        "Access token (expires in one hour):",
        "",
        token,
        "",
        "List customers:",
        "",
        f"curl --header 'Authorization: Bearer {token}' --header 'X-Tenant: {tenant_id}'"
        f" '{url}/api/v1/customers?search=ay%C5%9Fe&per_page=2'",
        "",
        "Sign in as the user of an application (the URL that you return to contains a code, valid for one minute):",
        "",
        f"{url}/oauth/authorize?{urlencode(request, quote_via=quote)}",
        "",
        "Exchange the code for tokens:",
        "",
        f"curl '{url}/oauth/token' --data grant_type=authorization_code --data client_id={client_id}"
        f" --data redirect_uri={callback} --data code_verifier={verifier} --data code=CODE",
        "",
        "Press Ctrl-C to stop the server. The data is kept.",
    ):
        print_line(line)
    sys.stdout.flush()


def _warn_about_proxy(settings: Settings) -> None:
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        sys.stderr.write(
            "regulars: warning: public_url is https, so a proxy must handle TLS, but trusted_proxies is not set. All"
            " clients behind the proxy count as one: failed sign-ins of one slow down the sign-ins of all. Set"
            " --trusted-proxies (REGULARS_TRUSTED_PROXIES) to the addresses of the proxy, such as 127.0.0.1.\n"
        )


def _check_free(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"Cannot listen at {settings.host}:{settings.port}: {error.strerror}. Choose another --port."
            ) from None


def _listen(settings: Settings, *, reload: bool = False, has_jobs: bool = True) -> None:
    from regulars.server.workers import run_server

    _check_free(settings)
    run_server(settings, reload=reload, has_jobs=has_jobs)
