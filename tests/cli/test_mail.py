"""`regulars mail …`, with a real SMTP server, and `regulars serve`, which sends the queue."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from regulars.cli.main import run
from regulars.mail.messages import render
from regulars.mail.queue import enqueue
from tests.support.mail import SmtpServer, running_smtp_server
from tests.support.postgres import free_port
from tests.support.server import running
from tests.support.world import World


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpServer]:
    """Run an SMTP server, and set the settings in the environment."""
    with running_smtp_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def test_a_test_message_is_sent_now(server: SmtpServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mail", "test", "ali@example.com"]) == 0
    assert capsys.readouterr().out == f"Delivered to 127.0.0.1:{server.port} (none).\n"
    assert server.wait_for("ali@example.com").subject == "Test message from Regulars"


def test_a_failed_test_names_the_answer_and_the_setting(
    server: SmtpServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failure() -> str:
        assert run(["mail", "test", "ali@example.com"]) == 1
        return capsys.readouterr().err

    server.recipient_replies.append("554 5.7.1 Relay access denied")
    assert "554 5.7.1 Relay access denied. Check the address and smtp_user." in failure()
    server.sender_replies.append("553 5.7.1 Not your address")
    assert "553 5.7.1 Not your address. Check mail_sender and smtp_user." in failure()
    server.data_replies.append("550 5.7.1 Spam")
    assert "550 5.7.1 Spam" in failure()
    monkeypatch.setenv("REGULARS_SMTP_SECURITY", "starttls")
    assert "Check smtp_host and smtp_security." in failure()
    monkeypatch.setenv("REGULARS_SMTP_PORT", str(free_port()))
    assert "cannot be reached: Connection refused. Check smtp_host, smtp_port and smtp_security." in failure()
    assert server.received == []


def test_a_wrong_address_is_refused(server: SmtpServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mail", "test", "ali"]) == 1
    assert "not valid" in capsys.readouterr().err


def test_without_settings_the_command_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mail", "test", "ali@example.com"]) == 1
    assert "Set smtp_host and mail_sender." in capsys.readouterr().err


def test_waiting_messages_are_listed_without_recipients(empty_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    mail = render(empty_world.settings, "recovery", "ali@example.com", "en", link="https://example.com/secret")
    enqueue(empty_world.database, empty_world.settings, mail)
    assert run(["mail", "list", "--json", "--database", empty_world.url]) == 0
    out = capsys.readouterr().out
    (shown,) = json.loads(out)
    assert shown.keys() == {"id", "created_at", "attempts", "next_attempt_at", "last_error"}
    assert (shown["attempts"], shown["last_error"]) == (0, None)
    assert not re.search("ali|secret", out)


def test_a_server_sends_the_queue(empty_world: World, server: SmtpServer) -> None:
    settings = replace(empty_world.settings, **server.settings)
    with running(empty_world, "--workers", "2"):
        mail = render(settings, "recovery", "ali@example.com", "tr", link="https://example.com/secret")
        enqueue(empty_world.database, settings, mail)
        received = server.wait_for("ali@example.com")
    assert received.link == "https://example.com/secret"
    assert received.subject == "Yeni parola belirleyin"
    assert len(server.received) == 1
