"""Every setting, in one typed place: flags first, then `REGULARS_*` (or `REGULARS_*_FILE`), then `regulars.toml`."""

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
FILE_NAME = "regulars.toml"
DIGITS = re.compile(r"[0-9]{1,9}")
MOST_WORKERS_UNASKED = 16
"""Two thirds of the 100 connections that PostgreSQL allows by default: each worker opens 4 at most."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LIFETIMES = {
    "access_token_lifetime",
    "refresh_token_lifetime",
    "refresh_token_grace",
    "grant_lifetime",
    "session_lifetime",
}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for this process. `sources` says where each value came from."""

    database: str = "sqlite:///regulars.db"
    replicas: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=lambda: min(usable_cores(), MOST_WORKERS_UNASKED))
    public_url: str = ""
    secret_key: str = ""
    trusted_proxies: tuple[Network, ...] = ()
    log_format: str = "auto"
    access_token_lifetime: int = 3600
    refresh_token_lifetime: int = 30 * 86400
    refresh_token_grace: int = 10
    grant_lifetime: int = 365 * 86400
    session_lifetime: int = 14 * 86400
    issuer: str = ""
    issuer_user_claim: str = "email"
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """Where clients find the service, and the issuer of its tokens: `public_url`, or else this machine."""
        return self.public_url or f"http://localhost:{self.port}"

    def source(self, name: str) -> str:
        """Where the value of the setting `name` came from, in words."""
        return dict(self.sources).get(name, "default")

    def shown(self, name: str) -> str:
        """The value of `name` for a person to read, with what is secret left out."""
        value = getattr(self, name)
        if name == "secret_key":
            return "(set)" if value else "(not set)"
        if name == "public_url":
            return self.origin
        if name in LIFETIMES:
            return f"{value}s"
        if name in {"database", "replicas"}:
            return ", ".join(map(without_password, [value] if isinstance(value, str) else value))
        if name == "trusted_proxies":
            return ", ".join(str(network) for network in value)
        return str(value)


def names() -> list[str]:
    """The settings' names, in the order in which they are shown."""
    return [each.name for each in fields(Settings) if each.name != "sources"]


def without_password(url: str) -> str:
    """A database URL that can be shown: its password, if it has one, is replaced by stars."""
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
    # A PostgreSQL URL may have commas of its own.
    items = re.split(r"[,\s]+(?=postgres(?:ql)?://)", value.strip()) if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be a list of URLs like postgresql://user:password@host/name")
    found = tuple(_database(item) for item in items if item)
    if any(url.startswith("sqlite:") for url in found):
        raise ValueError("must be PostgreSQL databases")
    return found


def _is_url(value: str) -> bool:
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be a text")
    return value.strip()


def _whole_number(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and DIGITS.fullmatch(value.strip()):
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
        raise ValueError("must be an address like https://customers.example.com")
    return str(value).rstrip("/")


def _secret_key(value: object) -> str:
    if not isinstance(value, str) or len(value.strip()) < 32:
        raise ValueError("must have at least 32 characters")
    return value.strip()


def _networks(value: object) -> tuple[Network, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be a list of addresses or networks, like 127.0.0.1, 10.0.0.0/8")
    try:
        return tuple(ipaddress.ip_network(str(item).strip()) for item in items if str(item).strip())
    except ValueError as error:
        raise ValueError(f"must be a list of addresses or networks, like 127.0.0.1, 10.0.0.0/8 ({error})") from None


def read_lifetime(text: str) -> int | None:
    """Seconds, from a time like 30s, 15m, 1h or 7d; None where it is none."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip())
    return int(match[1]) * UNITS[match[2]] if match else None


def _lifetime(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        seconds = read_lifetime(value) if isinstance(value, str) else None
        if seconds is None or not low <= seconds <= high:
            raise ValueError(f"must be a time like 30s, 15m, 1h or 7d, from {low}s to {high}s")
        return seconds

    return read


def _issuer(value: object) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    is_local = parts is not None and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if (
        parts is None
        or not parts.hostname
        or parts.query
        or parts.fragment
        or not (parts.scheme == "https" or is_local)
    ):
        raise ValueError("must be an address like https://login.example.com")
    return str(value)


def _user_claim(value: object) -> str:
    if value not in {"email", "sub"}:
        raise ValueError("must be email or sub")
    return str(value)


def _log_format(value: object) -> str:
    if value not in {"auto", "json", "text"}:
        raise ValueError("must be auto, json or text")
    return str(value)


READERS: Mapping[str, Callable[[object], Any]] = {
    "database": _database,
    "replicas": _replicas,
    "host": _text,
    "port": _whole_number(1, 65535),
    "workers": _whole_number(1, 64),
    "public_url": _public_url,
    "secret_key": _secret_key,
    "trusted_proxies": _networks,
    "log_format": _log_format,
    "access_token_lifetime": _lifetime(60, 86400),
    "refresh_token_lifetime": _lifetime(60, 365 * 86400),
    "refresh_token_grace": _lifetime(0, 60),
    "grant_lifetime": _lifetime(60, 5 * 365 * 86400),
    "session_lifetime": _lifetime(300, 365 * 86400),
    "issuer": _issuer,
    "issuer_user_claim": _user_claim,
}


def load_settings(flags: Mapping[str, object] | None = None, folder: Path | None = None) -> Settings:
    """The settings that hold here.

    `flags` are those given on the command line (None: not given); `folder` is where `regulars.toml` is looked for,
    by default the working folder. Raises `ConfigurationError` that names every fault at once.
    """
    given: dict[str, tuple[object, str]] = {}
    faults: list[str] = []
    given |= _from_file(folder or Path(), faults)
    given |= _from_environment(os.environ, faults)
    given |= {
        name: (value, f"--{name.replace('_', '-')}") for name, value in (flags or {}).items() if value is not None
    }
    values: dict[str, Any] = {}
    for name, (raw, source) in given.items():
        try:
            values[name] = READERS[name](raw)
        except ValueError as error:
            shown = "" if name in {"secret_key", "database", "replicas"} else f", not {str(raw)[:80]!r}"
            faults.append(f"{name} ({source}) {error}{shown}.")
    if values.get("replicas") and not values.get("database", "").startswith("postgres"):
        faults.append("replicas need a PostgreSQL database that they are replicas of.")
    if faults:
        raise ConfigurationError(" ".join(faults))
    return Settings(**values, sources=tuple((name, source) for name, (_, source) in given.items()))


def _from_file(folder: Path, faults: list[str]) -> dict[str, tuple[object, str]]:
    path = folder / FILE_NAME
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        faults.append(f"{path} cannot be read: {error}.")
        return {}
    unknown = sorted(set(content) - set(READERS))
    if unknown:
        faults.append(f"{path} has settings that do not exist: {', '.join(unknown)}. Known: {', '.join(names())}.")
    return {name: (value, str(path)) for name, value in content.items() if name in READERS}


def _from_environment(environment: Mapping[str, str], faults: list[str]) -> dict[str, tuple[object, str]]:
    found: dict[str, tuple[object, str]] = {}
    for variable, raw in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name in READERS:
            found[name] = (raw, variable)
        elif name.removesuffix("_file") in READERS:
            try:
                found[name.removesuffix("_file")] = (Path(raw).read_text("utf-8").strip(), variable)
            except (OSError, ValueError) as error:
                faults.append(f"{variable} names a file that cannot be read: {error}.")
        else:
            faults.append(f"{variable} is not a setting. Known: {', '.join(names())}.")
    return found
