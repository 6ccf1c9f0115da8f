"""Settings from flags, environment variables and a file, and errors that list all invalid settings."""

import json
from pathlib import Path

import pytest

from regulars.cli.main import run
from regulars.errors import ConfigurationError
from regulars.settings import load_settings


def test_flags_override_the_environment_which_overrides_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("regulars.toml").write_text('port = 1001\nhost = "::1"\nworkers = 3\n')
    monkeypatch.setenv("REGULARS_PORT", "1002")
    monkeypatch.setenv("REGULARS_HOST", "0.0.0.0")  # noqa: S104
    settings = load_settings({"port": 1003, "workers": None})
    assert (settings.port, settings.host, settings.workers, settings.database) == (
        1003,
        "0.0.0.0",  # noqa: S104
        3,
        "sqlite:///regulars.db",
    )
    assert [settings.source(name) for name in ("port", "host", "workers", "database")] == [
        "--port",
        "REGULARS_HOST",
        "regulars.toml",
        "default",
    ]


def test_a_secret_may_come_from_a_file_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("key").write_text("x" * 40 + "\n")
    monkeypatch.setenv("REGULARS_SECRET_KEY_FILE", "key")
    Path("old").write_text("x" * 39 + "o")
    monkeypatch.setenv("REGULARS_OLD_SECRET_KEY_FILE", "old")
    monkeypatch.setenv("REGULARS_DATABASE", "postgresql://me:hunter2@db/x")
    assert load_settings().secret_key == "x" * 40
    assert run(["settings", "--json"]) == 0
    out = capsys.readouterr().out
    assert "xxxx" not in out
    assert "hunter2" not in out
    shown = json.loads(out)
    assert shown["secret_key"] == {"value": "(set)", "source": "REGULARS_SECRET_KEY_FILE"}
    assert shown["old_secret_key"] == {"value": "(set)", "source": "REGULARS_OLD_SECRET_KEY_FILE"}
    assert shown["database"]["value"] == "postgresql://me:***@db/x"
    assert shown["port"] == {"value": "8000", "source": "default"}


def test_a_secret_key_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("keys").write_text(f"{'x' * 40}\n{'y' * 40}\n")
    monkeypatch.setenv("REGULARS_SECRET_KEY_FILE", "keys")
    with pytest.raises(ConfigurationError, match="must be one line") as caught:
        load_settings()
    assert "xxx" not in caught.value.message


def test_every_fault_is_named_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("regulars.toml").write_text('prot = 1\nworkers = "many"\nlog_format = 7\ntrusted_proxies = 5\n')
    junk = {
        "PORT": "1e3",
        "HOST": " ",
        "DATABASE": "sqlite:/x",
        "PUBLIC_URL": "ftp://x",
        "SECRET_KEY": "short",
        "NONSENSE": "1",
        "HOST_FILE": "/no/such/file",
    }
    for name, value in junk.items():
        monkeypatch.setenv(f"REGULARS_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    said = caught.value.message
    for name in ("prot", "workers", "log_format", "trusted_proxies", "REGULARS_PORT", "REGULARS_DATABASE"):
        assert name in said
    for name in ("REGULARS_PUBLIC_URL", "REGULARS_SECRET_KEY", "REGULARS_NONSENSE", "REGULARS_HOST_FILE"):
        assert name in said
    assert "short" not in said


@pytest.mark.parametrize("content", [b"\xff\xfe", b"port = ", b"port = 0", b"port = true", b"[port]\nx = 1", b"\x00"])
def test_a_broken_settings_file_gives_one_sentence(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("regulars.toml").write_bytes(content)
    assert run(["settings"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("regulars: ")
    assert "Traceback" not in err


def test_trusted_proxies_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,::1")
    assert [str(network) for network in load_settings().trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
    monkeypatch.setenv("REGULARS_TRUSTED_PROXIES", "10.0.0.1/8")
    with pytest.raises(ConfigurationError):
        load_settings()


def test_allowed_hosts_are_names_in_one_form(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_ALLOWED_HOSTS", "Shop.Example., 192.168.0.7:8000 ,[::2]:80,")
    assert load_settings().allowed_hosts == ("shop.example", "192.168.0.7:8000", "[::2]:80")
    assert run(["settings", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["allowed_hosts"]
    assert shown == {"value": "shop.example, 192.168.0.7:8000, [::2]:80", "source": "REGULARS_ALLOWED_HOSTS"}
    monkeypatch.delenv("REGULARS_ALLOWED_HOSTS")
    Path("regulars.toml").write_text('allowed_hosts = ["a.example", "b.example"]')
    assert load_settings().allowed_hosts == ("a.example", "b.example")
    for broken in ("https://shop.example", "*.example", "a b", "shop.example/x"):
        with pytest.raises(ConfigurationError, match=r"allowed_hosts .* must be a list of hosts"):
            load_settings({"allowed_hosts": broken})


def test_mail_settings_have_defaults_and_the_password_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("password").write_text("hunter2\n")
    given = {
        "SMTP_HOST": "smtp.example.com",
        "SMTP_USER": "clinic",
        "SMTP_PASSWORD_FILE": "password",
        "MAIL_SENDER": "Güneş Diş <hello@example.com>",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"REGULARS_{name}", value)
    assert load_settings().mail_server == ("smtp.example.com", 587)
    assert load_settings().smtp_password == "hunter2"
    assert run(["settings", "--json"]) == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    shown = json.loads(out)
    assert shown["smtp_password"] == {"value": "(set)", "source": "REGULARS_SMTP_PASSWORD_FILE"}
    assert shown["smtp_port"] == {"value": "587", "source": "default"}
    monkeypatch.setenv("REGULARS_SMTP_SECURITY", "tls")
    assert load_settings().mail_server == ("smtp.example.com", 465)
    monkeypatch.setenv("REGULARS_SMTP_PORT", "2525")
    assert load_settings().mail_server == ("smtp.example.com", 2525)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"SMTP_HOST": "smtp.example.com"}, ["mail_sender must be set"]),
        ({"SMTP_SECURITY": "ssl", "SMTP_PORT": "0"}, ["starttls, tls or none", "from 1 to 65535"]),
        ({"SMTP_USER": "clinic"}, ["smtp_user and smtp_password can only be set together"]),
        ({"SMTP_USER": "a", "SMTP_PASSWORD": "şifre"}, ["smtp_password (REGULARS_SMTP_PASSWORD) must be"]),
        ({"MAIL_SENDER": "a@example.com, b@example.com"}, ["must be like regulars@example.com"]),
        ({"MAIL_SENDER": "a@example.com\nBcc: b@example.com"}, ["mail_sender"]),
        (
            {
                "SMTP_HOST": "x",
                "MAIL_SENDER": "a@x.org",
                "SMTP_SECURITY": "none",
                "SMTP_USER": "u",
                "SMTP_PASSWORD": "p",
            },
            ["would send smtp_password unencrypted"],
        ),
    ],
)
def test_faults_of_the_mail_settings(given: dict[str, str], faults: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"REGULARS_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    for fault in faults:
        assert fault in caught.value.message
    assert "şifre" not in caught.value.message


def test_a_password_may_be_sent_unencrypted_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"HOST": "localhost", "SECURITY": "none", "USER": "u", "PASSWORD": "p"}
    for name, value in given.items():
        monkeypatch.setenv(f"REGULARS_SMTP_{name}", value)
    monkeypatch.setenv("REGULARS_MAIL_SENDER", "a@example.com")
    assert load_settings().mail_server == ("localhost", 25)
