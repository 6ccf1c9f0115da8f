"""The settings, by precedence: flags, environment variables (`REGULARS_*`, `REGULARS_*_FILE`), `regulars.toml`."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from regulars.cpu import usable_cores
from regulars.errors import ConfigurationError

ENVIRONMENT_PREFIX = "REGULARS_"
SETTINGS_FILE = "regulars.toml"
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
MAX_DEFAULT_WORKERS = 16
"""Each worker opens up to 4 connections, so these use two thirds of the 100 that PostgreSQL allows by default."""

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION_SETTINGS = {
    "access_token_lifetime",
    "refresh_token_lifetime",
    "refresh_token_grace",
    "grant_lifetime",
    "session_lifetime",
    "session_max_lifetime",
    "statement_timeout",
}

SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
SENDER = re.compile(r'"?(?P<name>[^<>"]*?)"?\s*<(?P<address>[^<>\s]+)>|(?P<alone>[^<>\s]+)')
"""An e-mail address, or a name, which may be in quotes, followed by an address in angle brackets."""
HOST = re.compile(r"([A-Za-z0-9._\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
"""A host name or an IP address, and optionally a port, as in the HTTP header `Host`."""
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
SECRET_SETTINGS = {"secret_key", "old_secret_key", "smtp_password"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this process (docs/operations.md describes each). Durations are in seconds.

    `sources` has a pair for each setting that was set: its name, and the flag, environment variable or file that set
    it.
    """

    database: str = "sqlite:///regulars.db"
    replicas: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=lambda: min(usable_cores(), MAX_DEFAULT_WORKERS))
    public_url: str = ""
    statement_timeout: int = 15
    secret_key: str = ""
    old_secret_key: str = ""
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    log_format: str = "auto"
    access_token_lifetime: int = 3600
    refresh_token_lifetime: int = 30 * 86400
    refresh_token_grace: int = 10
    grant_lifetime: int = 365 * 86400
    session_lifetime: int = 14 * 86400
    session_max_lifetime: int = 90 * 86400
    issuer: str = ""
    issuer_user_claim: str = "email"
    smtp_host: str = ""
    smtp_port: int | None = None
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    mail_sender: str = ""
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """The URL at which clients reach the service. It is also the issuer of its tokens."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def mail_server(self) -> tuple[str, int]:
        """The host and port of the mail server. The default port depends on `smtp_security`."""
        return self.smtp_host, self.smtp_port or SMTP_PORTS[self.smtp_security]

    @property
    def sender(self) -> tuple[str, str]:
        """The name (may be empty) and address of the sender of e-mail."""
        return split_sender(self.mail_sender)

    def source(self, name: str) -> str:
        """Return the flag, environment variable or file in which the setting `name` was set, or "default"."""
        return dict(self.sources).get(name, "default")

    def display_value(self, name: str) -> str:
        """Return the value of the setting `name` as text. Secrets and passwords are hidden."""
        value = getattr(self, name)
        if name in SECRET_SETTINGS:
            return "(set)" if value else "(not set)"
        if name in {"public_url", "smtp_port"}:
            return self.origin if name == "public_url" else str(self.mail_server[1])
        if name in DURATION_SETTINGS:
            return f"{value}s"
        if name in {"database", "replicas"}:
            return ", ".join(map(without_password, [value] if isinstance(value, str) else value))
        if name in {"allowed_hosts", "trusted_proxies"}:
            return ", ".join(map(str, value))
        return str(value)


def setting_names() -> list[str]:
    """Return the names of all settings, in the order in which they are displayed."""
    return [setting.name for setting in fields(Settings) if setting.name != "sources"]


def without_password(url: str) -> str:
    """Return a database URL with its password, if it has one, replaced by `***`. If invalid, return "(not a URL)"."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return "(not a URL)"
    if password is None:
        return url
    user, _, rest = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{rest}"))


def _database(value: object) -> str:
    if not isinstance(value, str) or not re.match(r"(sqlite|postgresql|postgres)://", value) or not _is_url(value):
        raise ValueError("must be a URL like sqlite:///regulars.db or postgresql://user:password@host/name")
    if "\0" in value:
        raise ValueError("must not contain a NUL character")
    return value


def _replicas(value: object) -> tuple[str, ...]:
    # A PostgreSQL URL with several hosts contains commas.
    items = re.split(r"[,\s]+(?=postgres(?:ql)?://)", value.strip()) if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be a list of URLs like postgresql://user:password@host/name")
    urls = tuple(_database(item) for item in items if item)
    if any(url.startswith("sqlite:") for url in urls):
        raise ValueError("must be PostgreSQL databases")
    return urls


def _is_url(value: str) -> bool:
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be a non-empty text without control characters")
    return value.strip()


def _whole_number(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and WHOLE_NUMBER.fullmatch(value.strip()):
            value = int(value.strip())
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return read


def _public_url(value: object) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL like https://customers.example.com")
    return str(value).rstrip("/")


def _secret_key(value: object) -> str:
    if not isinstance(value, str) or len(value.strip()) < 32:
        raise ValueError("must have at least 32 characters")
    if len(value.strip().splitlines()) > 1:
        # REGULARS_SECRET_KEY_FILE may name the key file of an SQLite database, which has several keys after a rotation.
        raise ValueError("must be one line")
    return value.strip()


def split_host(host: str) -> tuple[str, str]:
    """Return the name and the port of a host: `("example.com", ":8000")` for `Example.com.:8000`.

    The name is in lower case and without a final dot. Without a port, the second part is empty. Raise `ValueError` if
    the text is not a host.
    """
    match = HOST.fullmatch(host)
    if not match:
        raise ValueError("is not a host")
    return match[1].lower().removesuffix("."), match[2] or ""


def _hosts(value: object) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be a list of hosts, like customers.example.com, 192.168.0.7:8000")
    try:
        return tuple("".join(split_host(str(item).strip())) for item in items if str(item).strip())
    except ValueError:
        raise ValueError("must be a list of hosts, like customers.example.com, 192.168.0.7:8000") from None


def _networks(value: object) -> tuple[Network, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be a list of addresses or networks, like 127.0.0.1, 10.0.0.0/8")
    try:
        return tuple(ipaddress.ip_network(str(item).strip()) for item in items if str(item).strip())
    except ValueError as error:
        raise ValueError(f"must be a list of addresses or networks, like 127.0.0.1, 10.0.0.0/8 ({error})") from None


def parse_duration(text: str) -> int | None:
    """Return the number of seconds in a duration such as 30s, 15m, 1h or 7d, or None if `text` is not a duration."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip())
    return int(match[1]) * SECONDS_PER_UNIT[match[2]] if match else None


def _duration(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        seconds = parse_duration(value) if isinstance(value, str) else None
        if seconds is None or not low <= seconds <= high:
            raise ValueError(f"must be a duration like 30s, 15m, 1h or 7d, from {low}s to {high}s")
        return seconds

    return read


def _issuer(value: object) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    is_local = parts is not None and parts.hostname in LOCAL_HOSTS
    if (
        parts is None
        or not parts.hostname
        or parts.query
        or parts.fragment
        or not (parts.scheme == "https" or is_local)
    ):
        raise ValueError("must be an https URL like https://login.example.com")
    return str(value)


def _choice(*values: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in values:
            raise ValueError(f"must be {', '.join(values[:-1])} or {values[-1]}")
        return str(value)

    return read


def _ascii_text(value: object) -> str:
    # smtplib accepts only ASCII user names and passwords.
    if not isinstance(value, str) or not value.strip() or not value.isascii() or not value.isprintable():
        raise ValueError("must be a non-empty text of ASCII characters")
    return value.strip()


def split_sender(text: str) -> tuple[str, str]:
    """Return the name and address in a text like `Regulars <regulars@example.com>`.

    The name is empty if the text is only an address. Both are empty if the text has another form.
    """
    match = SENDER.fullmatch(text)
    return (match["name"] or "", match["address"] or match["alone"]) if match else ("", "")


def _mail_sender(value: object) -> str:
    from email_validator import EmailNotValidError, validate_email

    text = _text(value)
    try:
        validate_email(split_sender(text)[1], check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise ValueError("must be like regulars@example.com or Regulars <regulars@example.com>") from None
    return text


SETTING_READERS: Mapping[str, Callable[[object], Any]] = {
    "database": _database,
    "replicas": _replicas,
    "host": _text,
    "port": _whole_number(1, 65535),
    "workers": _whole_number(1, 64),
    "public_url": _public_url,
    "statement_timeout": _duration(1, 3600),
    "secret_key": _secret_key,
    "old_secret_key": _secret_key,
    "allowed_hosts": _hosts,
    "trusted_proxies": _networks,
    "log_format": _choice("auto", "json", "text"),
    "access_token_lifetime": _duration(60, 86400),
    "refresh_token_lifetime": _duration(60, 365 * 86400),
    "refresh_token_grace": _duration(0, 60),
    "grant_lifetime": _duration(60, 5 * 365 * 86400),
    "session_lifetime": _duration(300, 365 * 86400),
    "session_max_lifetime": _duration(300, 5 * 365 * 86400),
    "issuer": _issuer,
    "issuer_user_claim": _choice("email", "sub"),
    "smtp_host": _text,
    "smtp_port": _whole_number(1, 65535),
    "smtp_security": _choice("starttls", "tls", "none"),
    "smtp_user": _ascii_text,
    "smtp_password": _ascii_text,
    "mail_sender": _mail_sender,
}


def load_settings(flags: Mapping[str, object] | None = None, folder: Path | None = None) -> Settings:
    """Return the settings, read from command-line flags, environment variables and `regulars.toml`.

    Flags with the value None are ignored. `folder`, by default the working directory, may contain `regulars.toml`.
    Raise `ConfigurationError` with all faults.
    """
    faults: list[str] = []
    given = _from_file(folder or Path(), faults)
    given |= _from_environment(os.environ, faults)
    given |= {
        name: (value, f"--{name.replace('_', '-')}") for name, value in (flags or {}).items() if value is not None
    }
    values: dict[str, Any] = {}
    for name, (raw, source) in given.items():
        try:
            values[name] = SETTING_READERS[name](raw)
        except ValueError as error:
            # Do not repeat secrets, or URLs, which may contain a password.
            raw_value = "" if name in {*SECRET_SETTINGS, "database", "replicas"} else f", not {str(raw)[:80]!r}"
            faults.append(f"{name} ({source}) {error}{raw_value}.")
    faults += _combined_faults(values, set(given))
    if faults:
        raise ConfigurationError(" ".join(faults))
    return Settings(**values, sources=tuple((name, source) for name, (_, source) in given.items()))


def _combined_faults(values: Mapping[str, Any], given: set[str]) -> list[str]:
    """Return messages about settings that contradict each other.

    `values` has the valid settings. `given` has the names of all settings that were set, also of invalid ones.
    """
    faults = []
    if values.get("replicas") and not values.get("database", "").startswith("postgres"):
        faults.append("replicas can only be set with a PostgreSQL database.")
    if "smtp_host" in given and "mail_sender" not in given:
        faults.append("mail_sender must be set if smtp_host is set.")
    if ("smtp_user" in given) != ("smtp_password" in given):
        faults.append("smtp_user and smtp_password can only be set together.")
    is_plain = values.get("smtp_security") == "none" and values.get("smtp_host") not in LOCAL_HOSTS
    if is_plain and "smtp_user" in given:
        faults.append(
            "smtp_security none would send smtp_password unencrypted: use starttls or tls, or the host localhost."
        )
    return faults


def _from_file(folder: Path, faults: list[str]) -> dict[str, tuple[object, str]]:
    path = folder / SETTINGS_FILE
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        faults.append(f"Cannot read {path}: {error}.")
        return {}
    unknown = sorted(set(content) - set(SETTING_READERS))
    if unknown:
        faults.append(
            f"Unknown settings in {path}: {', '.join(unknown)}. Known settings: {', '.join(setting_names())}."
        )
    return {name: (value, str(path)) for name, value in content.items() if name in SETTING_READERS}


def _from_environment(environment: Mapping[str, str], faults: list[str]) -> dict[str, tuple[object, str]]:
    values: dict[str, tuple[object, str]] = {}
    for variable, raw in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name in SETTING_READERS:
            values[name] = (raw, variable)
        elif name.removesuffix("_file") in SETTING_READERS:
            try:
                values[name.removesuffix("_file")] = (Path(raw).read_text("utf-8").strip(), variable)
            except (OSError, ValueError) as error:
                faults.append(f"Cannot read the file of {variable}: {error}.")
        else:
            faults.append(f"Unknown environment variable {variable}. Known settings: {', '.join(setting_names())}.")
    return values
