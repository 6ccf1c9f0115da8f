"""The queue of outgoing mail, with a real SMTP server."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from structlog.testing import capture_logs

from regulars.clock import utc_now
from regulars.db import tables
from regulars.db.statement import Statement
from regulars.errors import RegularsError
from regulars.mail import queue
from regulars.mail.messages import Mail, render
from regulars.mail.queue import enqueue, list_waiting, send_due
from regulars.mail.smtp import MailServer
from regulars.security.tokens import new_id
from regulars.settings import Settings
from tests.support.mail import SENDER, SmtpServer, running_smtp_server
from tests.support.postgres import free_port
from tests.support.world import World

LINK = "https://customers.example.com/recover?token=rgl_challenge_x"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(scope="module")
def smtp_server() -> Iterator[SmtpServer]:
    with running_smtp_server(enable_SMTPUTF8=True) as server:
        yield server


@pytest.fixture
def server(smtp_server: SmtpServer) -> SmtpServer:
    """Return the server without messages."""
    for kept in (smtp_server.received, smtp_server.users, smtp_server.connections):
        kept.clear()
    return smtp_server


class Post:
    """A database and the settings of a mail server."""

    def __init__(self, world: World, server: SmtpServer) -> None:
        self.database = world.database
        self.settings = replace(world.settings, **server.settings)

    def add(self, recipient: str = "ali@example.com", **changes: Any) -> None:
        mail = render(self.settings, "recovery", recipient, "en", link=LINK)
        enqueue(self.database, self.settings, Mail(**{"recipient": recipient, **_values(mail), **changes}))

    def send(self) -> int:
        return send_due(self.database, self.settings)

    @property
    def last_error(self) -> str | None:
        (waiting,) = list_waiting(self.database)
        return waiting.last_error


def _values(mail: Mail) -> dict[str, str]:
    return {"subject": mail.subject, "text": mail.text, "html": mail.html}


@pytest.fixture
def post(empty_world: World, server: SmtpServer) -> Post:
    return Post(empty_world, server)


class Clock:
    """The clock of the queue."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(queue, "utc_now", clock)
    return clock


def test_a_message_is_sent_once_in_its_standard_form(post: Post, server: SmtpServer) -> None:
    assert post.send() == 0
    post.add()
    (waiting,) = list_waiting(post.database)
    assert post.send() == 1
    assert post.send() == 0
    assert list_waiting(post.database) == []
    (received,) = server.received
    assert received.recipient == "ali@example.com"
    assert received.link == LINK
    assert LINK in received.html
    headers = {name: str(value) for name, value in received.message.items()}
    assert headers["From"] == SENDER
    assert headers["To"] == "ali@example.com"
    assert headers["Subject"] == "Choose a new password"
    assert headers["Message-ID"] == f"<{waiting.id}@example.com>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert received.message["Date"].datetime == waiting.created_at


def test_the_message_belongs_to_the_transaction_of_its_change(post: Post) -> None:
    with suppress(RegularsError), post.database.transaction():
        post.add()
        raise RegularsError("The change failed.")
    assert list_waiting(post.database) == []


def test_the_stored_message_is_encrypted(post: Post) -> None:
    post.add()
    ((content,),) = post.database.fetch_all(Statement(select(tables.outgoing_mail.c.content)))
    assert b"rgl_" not in bytes(content)
    assert b"ali" not in bytes(content)


def test_a_message_that_another_secret_key_encrypted_is_kept_and_then_dropped(post: Post, clock: Clock) -> None:
    post.add()
    post.settings = replace(post.settings, secret_key="another secret for the tests, 32+")
    assert post.send() == 0
    assert post.last_error == "It was encrypted with another secret key."
    clock.advance(73 * HOUR)
    assert post.send() == 0
    assert list_waiting(post.database) == []


def test_several_messages_share_a_connection(post: Post, server: SmtpServer) -> None:
    for number in range(21):
        post.add(f"user{number}@example.com")
    assert [post.send(), post.send(), post.send()] == [20, 1, 0]
    assert len(server.connections) == 2
    assert len({received.recipient for received in server.received}) == 21


def test_a_temporary_failure_is_retried_with_growing_delays(post: Post, server: SmtpServer, clock: Clock) -> None:
    post.add()
    for minutes in (1, 5, 30, 120, 360, 720, 720):
        server.recipient_replies.append("451 4.7.1 <ali@example.com>: greylisted, ali, see https://example.com/ali")
        assert post.send() == 0
        assert post.last_error == "The server answered: 451 4.7.1 … greylisted, …, see …"
        clock.advance(minutes * MINUTE - timedelta(seconds=1))
        assert post.send() == 0
        clock.advance(timedelta(seconds=1))
    assert post.send() == 1
    assert len(server.received) == 1


def test_a_message_is_dropped_after_three_days(post: Post, server: SmtpServer, clock: Clock) -> None:
    post.add()
    with capture_logs() as logs:
        for _ in range(20):
            server.data_replies[:] = ["452 4.3.1 Insufficient system storage"]
            post.send()
            clock.advance(12 * HOUR)
            if not list_waiting(post.database):
                break
    assert clock.now - utc_now() >= timedelta(days=3)
    assert [event["event"] for event in logs][-2:] == ["mail_postponed", "mail_dropped"]
    server.data_replies.clear()


@pytest.mark.parametrize("replies", ["recipient_replies", "data_replies"])
def test_a_permanent_failure_drops_the_message_and_logs_no_address(
    post: Post, server: SmtpServer, replies: str
) -> None:
    getattr(server, replies).append("550 5.1.1 <ali@example.com>: no such user")
    post.add()
    post.add("bora@example.com")
    with capture_logs() as logs:
        assert post.send() == 1
    assert [received.recipient for received in server.received] == ["bora@example.com"]
    (event,) = logs
    assert event["event"] == "mail_dropped"
    assert event["reason"] == "The server answered: 550 5.1.1 … no such user"
    assert "ali" not in str(event)


@pytest.mark.parametrize(
    ("replies", "reply"),
    [("sender_replies", "553 5.7.1 Sender not allowed"), ("recipient_replies", "530 5.7.0 Authentication required")],
)
def test_faults_of_the_settings_lose_no_message(
    post: Post, server: SmtpServer, clock: Clock, replies: str, reply: str
) -> None:
    getattr(server, replies).append(reply)
    post.add()
    assert post.send() == 0
    assert post.last_error == f"The server answered: {reply}"
    clock.advance(MINUTE)
    assert post.send() == 1


def test_a_server_that_closes_the_connection_gets_the_rest_on_a_new_one(
    post: Post, server: SmtpServer, clock: Clock
) -> None:
    server.recipient_replies.append("421 4.3.2 Closing")
    post.add()
    post.add("bora@example.com")
    assert post.send() == 1
    clock.advance(MINUTE)
    assert post.send() == 1
    assert len(server.received) == 2


def test_a_server_that_is_down_postpones_all_messages_with_one_connection(
    post: Post, server: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = post.settings
    post.settings = replace(running, smtp_port=free_port())
    connect = Mock(wraps=socket.create_connection)
    monkeypatch.setattr(socket, "create_connection", connect)
    post.add()
    post.add()
    assert post.send() == 0
    assert connect.call_count == 1
    assert {mail.last_error for mail in list_waiting(post.database)} == {
        "The server cannot be reached: Connection refused."
    }
    post.settings = running
    clock.advance(MINUTE)
    assert post.send() == 2


def test_a_server_that_does_not_answer_is_left_after_a_while(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.mail.smtp.TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        post.settings = replace(post.settings, smtp_port=silent.getsockname()[1])
        post.add()
        assert post.send() == 0
    assert post.last_error == "The server closed the connection, or did not answer in time."


def test_two_senders_send_each_message_once(post: Post, server: SmtpServer) -> None:
    for number in range(12):
        post.add(f"user{number}@example.com")
    sent: list[int] = []
    barrier = threading.Barrier(2)

    def send() -> None:
        barrier.wait()
        sent.append(post.send())

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 12
    assert sorted(received.recipient for received in server.received) == sorted(
        f"user{number}@example.com" for number in range(12)
    )


class Crash(BaseException):
    """The end of a server in the middle of its work."""


def test_a_message_of_a_crashed_sender_is_sent_by_another_one(
    post: Post, server: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object) -> None:
        raise Crash

    post.add()
    with monkeypatch.context() as patched:
        patched.setattr(MailServer, "send", crash)
        with pytest.raises(Crash):
            post.send()
    clock.advance(MINUTE)
    assert post.send() == 0, "the crashed server may still be sending"
    clock.advance(10 * MINUTE)
    assert post.send() == 1
    assert len(server.received) == 1


def test_letters_of_all_languages_in_names_and_addresses(post: Post, server: SmtpServer) -> None:
    subject = "Klinik Güneş için davet: " + " ".join(["Şifre"] * 30)
    post.settings = replace(post.settings, mail_sender="Güneş, Diş <hello@bücher.example>")
    post.add("ali@çiçek.example", subject=subject)
    post.add("ayşe@example.com")
    assert post.send() == 2
    ascii_domain, unicode_address = server.received
    assert ascii_domain.recipient == "ali@xn--iek-1lab.example"
    assert ascii_domain.subject == subject
    assert unicode_address.recipient == "ayşe@example.com"
    (sender,) = ascii_domain.message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Güneş, Diş", "hello@xn--bcher-kva.example")


def test_an_address_that_the_server_does_not_support_fails_permanently(empty_world: World) -> None:
    with running_smtp_server(enable_SMTPUTF8=False) as server:
        post = Post(empty_world, server)
        post.add("ayşe@example.com")
        with capture_logs() as logs:
            assert post.send() == 0
    assert [(event["event"], "SMTPUTF8" in event["reason"]) for event in logs] == [("mail_dropped", True)]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\r\nBcc: eve@example.com"},
        {"recipient": "ali@example.com\r\nBcc: eve@example.com"},
        {"recipient": "ali@example.com, eve@example.com"},
        {"recipient": "ali"},
    ],
)
def test_headers_cannot_be_injected(post: Post, server: SmtpServer, changes: dict[str, str]) -> None:
    post.add(**changes)
    assert post.send() == 0
    assert list_waiting(post.database) == []
    assert server.received == []


class Certificate:
    """A certificate for 127.0.0.1 that this test made, in a file."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - HOUR)
            .not_valid_after(now + HOUR)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(key, hashes.SHA256())
        )
        self.path = folder / "certificate.pem"
        self.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        key_path = folder / "key.pem"
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.path, key_path)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


def check_login(_server: object, _session: object, _envelope: object, mechanism: str, data: object) -> AuthResult:
    """Accept the user "clinic" with the password "secret"."""
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"clinic", b"secret")
    return AuthResult(success=is_right, handled=False, auth_data="clinic" if is_right else None)


def send_now(settings: Settings) -> None:
    with MailServer(settings) as server:
        server.send(Mail("ali@example.com", "x", "x", "x"), new_id(), utc_now())


def secure_settings(server: SmtpServer, security: str, **changes: Any) -> Settings:
    chosen = server.settings | {"smtp_security": security, "smtp_user": "clinic", "smtp_password": "secret"}
    return Settings(**chosen | changes)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_connection_is_encrypted_and_the_user_logs_in(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with _secure_server(security, certificate) as server:
        send_now(secure_settings(server, security))
        assert server.users == ["clinic"]
        with pytest.raises(RegularsError, match="535") as caught:
            send_now(secure_settings(server, security, smtp_password="wrong"))
        assert caught.value.hint == "smtp_user and smtp_password"  # type: ignore[attr-defined]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_unknown_certificate_is_refused(certificate: Certificate, security: str) -> None:
    with (
        _secure_server(security, certificate) as server,
        pytest.raises(RegularsError, match="certificate of the server is not accepted: self-signed"),
    ):
        send_now(secure_settings(server, security))
    assert server.received == []


def test_a_server_without_encryption_gets_no_password(server: SmtpServer) -> None:
    with pytest.raises(RegularsError, match="STARTTLS extension not supported"):
        send_now(secure_settings(server, "starttls"))
    with pytest.raises(RegularsError, match="cannot be reached"):
        send_now(secure_settings(server, "tls"))


def _secure_server(security: str, certificate: Certificate) -> AbstractContextManager[SmtpServer]:
    if security == "tls":
        return running_smtp_server(ssl_context=certificate.context, authenticator=check_login, auth_require_tls=False)
    return running_smtp_server(tls_context=certificate.context, require_starttls=True, authenticator=check_login)


def test_the_database_is_asked_one_question_if_nothing_is_due(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, fetch_all = Mock(), Mock(wraps=post.database.fetch_all)
    monkeypatch.setattr("regulars.mail.smtp._connect", connect)
    monkeypatch.setattr(post.database, "fetch_all", fetch_all)
    assert post.send() == 0
    assert [call.args[0] for call in fetch_all.call_args_list] == [queue.FIND_DUE_MAIL]
    assert not connect.called
