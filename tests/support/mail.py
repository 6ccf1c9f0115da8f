"""A real SMTP server (aiosmtpd) that keeps the messages that it receives."""

import email
import email.policy
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.postgres import free_port

LINK = re.compile(r"https?://\S+")
SENDER = "Regulars <regulars@example.com>"
TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Received:
    """A received message: the recipient of its envelope, and the parsed message."""

    recipient: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Return the subject."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """Return the part in plain text."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """Return the part in HTML."""
        return self._part("html")

    @property
    def link(self) -> str:
        """Return the first link in the text."""
        found = LINK.search(self.text)
        assert found, self.text
        return found[0]

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class SmtpServer:
    """A running server. It gives each of the replies to one message before it accepts any.

    `users` has the user that had logged in for each message, or None. `connections` has the ends of all connections.
    """

    host: str
    port: int
    received: list[Received] = field(default_factory=list)
    recipient_replies: list[str] = field(default_factory=list)
    sender_replies: list[str] = field(default_factory=list)
    data_replies: list[str] = field(default_factory=list)
    users: list[object] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings of a service that sends with this server, without encryption."""
        return {
            "smtp_host": self.host,
            "smtp_port": self.port,
            "smtp_security": "none",
            "mail_sender": SENDER,
        }

    @property
    def environment(self) -> dict[str, str]:
        """Return the same settings as environment variables."""
        return {f"REGULARS_{name.upper()}": str(value) for name, value in self.settings.items()}

    def wait_for(self, recipient: str, count: int = 1) -> Received:
        """Wait until `count` messages to this address have arrived, and return the last one."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            found = [message for message in self.received if message.recipient == recipient]
            if len(found) >= count:
                return found[-1]
            assert time.monotonic() < deadline, f"{recipient} has received {len(found)} messages."
            time.sleep(0.05)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to the sender."""
        if self.sender_replies:
            return self.sender_replies.pop(0)
        envelope.mail_from = address
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to the recipient."""
        if self.recipient_replies:
            return self.recipient_replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message."""
        if self.data_replies:
            return self.data_replies.pop(0)
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.users.append(session.auth_data)
        self.connections.add(session.peer)
        self.received.append(Received(envelope.rcpt_tos[0], message))
        return "250 2.0.0 Message accepted"


@contextmanager
def running_smtp_server(**options: Any) -> Iterator[SmtpServer]:
    """Run a server with the given options of aiosmtpd."""
    server = SmtpServer("127.0.0.1", free_port())
    controller = Controller(server, hostname=server.host, port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
