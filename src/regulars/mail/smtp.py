"""The connection to the mail server (SMTP, RFC 5321), and the format of messages (RFC 5322)."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, Self

from email_validator import validate_email

from regulars.errors import RegularsError
from regulars.mail.messages import Mail
from regulars.settings import Settings

TIMEOUT_SECONDS = 20.0
"""Maximum time to wait for each reply of the server."""
AUTHENTICATION_REQUIRED = 530  # RFC 4954, section 6
MAX_REASON_LENGTH = 200
PERSONAL_DATA = re.compile(r"\S*(?:@|://|rgl_)\S*")
"""Matches the words of a server's reply that can be an e-mail address, a link or a token."""


class DeliveryError(RegularsError):
    """A message could not be sent. The error contains no personal data.

    `hint` names the settings or values that can be the cause. If `is_permanent` is true, another attempt to send this
    message would fail too.
    """

    code = "mail_failed"

    def __init__(self, message: str, *, hint: str, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.is_permanent = is_permanent


class MailServer:
    """A connection to the mail server for several messages, as a context manager.

    The first message opens the connection. If that fails, all further messages fail without another attempt.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: smtplib.SMTP | None = None
        self._failure: DeliveryError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def send(self, mail: Mail, mail_id: str, created_at: datetime) -> None:
        """Send a message. Its Message-ID contains `mail_id`. Raise `DeliveryError` if it cannot be sent."""
        message = _build(self._settings, mail, mail_id, created_at)
        client = self._connected()
        with _sending_to(mail.recipient):
            client.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        if self._failure:
            raise self._failure
        # After an error such as 421, smtplib has closed the connection, and `sock` is None.
        if self._client is None or self._client.sock is None:
            try:
                self._client = _connect(self._settings)
            except DeliveryError as error:
                self._failure = error
                raise
        return self._client

    def _close(self) -> None:
        if self._client is not None and self._client.sock is not None:
            try:
                self._client.quit()
            except (OSError, smtplib.SMTPException):
                self._client.close()


class _MessagePolicy(EmailPolicy):
    """The format of messages for SMTP.

    Subjects that are not ASCII are encoded (RFC 2047) by the older class `Header`, because `EmailPolicy` loses the
    space between some words.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name != "Subject" or self.utf8 or str(value).isascii():
            return super().fold_binary(name, value)
        encoded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {encoded}{self.linesep}".encode("ascii")


MESSAGE_POLICY = _MessagePolicy(linesep="\r\n")


def _connect(settings: Settings) -> smtplib.SMTP:
    """Open a connection, encrypted and authenticated according to the settings. Raise `DeliveryError` if that fails."""
    host, port = settings.mail_server
    context = ssl.create_default_context()
    with _explained("smtp_host, smtp_port and smtp_security"):
        if settings.smtp_security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            client = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        if settings.smtp_security == "starttls":
            with _explained("smtp_host and smtp_security"):
                client.starttls(context=context)
        if settings.smtp_user:
            with _explained("smtp_user and smtp_password"):
                client.login(settings.smtp_user, settings.smtp_password)
    except DeliveryError:
        client.close()
        raise
    return client


def _build(settings: Settings, mail: Mail, mail_id: str, created_at: datetime) -> EmailMessage:
    """Return the message with headers, text and HTML. Raise `DeliveryError` if an address or the subject is not valid.

    `EmailMessage` refuses line breaks in headers, so that no value can add a header. The Message-ID is the same for
    each attempt, so that mailboxes can recognize a message that was sent twice.
    """
    name, sender = settings.sender
    message = EmailMessage(policy=MESSAGE_POLICY)
    try:
        message["From"] = from_address = _address(sender, name)
        message["To"] = _address(mail.recipient)
        message["Subject"] = mail.subject
    except ValueError:
        reason = "The recipient or the subject is not valid."
        raise DeliveryError(reason, hint="the address and mail_sender", is_permanent=True) from None
    message["Date"] = created_at
    message["Message-ID"] = f"<{mail_id}@{from_address.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses replies such as "out of office"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _address(text: str, name: str = "") -> Address:
    """Return an address for a header, in ASCII unless the part before the @ has other letters. Raise ValueError."""
    address = validate_email(text, check_deliverability=False, globally_deliverable=False)
    user, _at, domain = (address.ascii_email or address.normalized).rpartition("@")
    return Address(name, user, domain)


@contextmanager
def _explained(hint: str) -> Iterator[None]:
    """Convert exceptions of smtplib in the block to `DeliveryError` with a `hint` at the settings to check."""
    try:
        yield
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise DeliveryError(_reason(error), hint=hint) from error


@contextmanager
def _sending_to(recipient: str) -> Iterator[None]:
    """Convert exceptions of smtplib while a message is sent to `DeliveryError`, without the recipient's address."""
    try:
        yield
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise DeliveryError(
            _without_words_of(recipient, _reason(error)), hint=_hint(error), is_permanent=_is_permanent(error)
        ) from None


def _reason(error: Exception) -> str:
    """Return a sentence that describes an exception of smtplib, without personal data."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            reason = _reply(*_refusal(error))
        case smtplib.SMTPResponseException():
            reason = _reply(error.smtp_code, error.smtp_error)
        case ssl.SSLCertVerificationError():
            reason = f"The certificate of the server is not accepted: {error.verify_message}."
        case smtplib.SMTPServerDisconnected():
            reason = "The server closed the connection, or did not answer in time."
        case smtplib.SMTPNotSupportedError() if "SMTPUTF8" in str(error):
            reason = "The server does not support letters other than ASCII in addresses (SMTPUTF8)."
        case smtplib.SMTPException():
            reason = str(error)
        case OSError():
            reason = f"The server cannot be reached: {error.strerror or error}."
        case _:
            # The text of another exception may contain a part of the message.
            reason = f"The message cannot be sent: {type(error).__name__}."
    return reason


def _reply(code: int, text: bytes | str) -> str:
    """Return a sentence with the reply of a server, without addresses, links and tokens."""
    readable = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    printable = "".join(letter if letter.isprintable() else " " for letter in readable)
    words = " ".join(PERSONAL_DATA.sub("…", printable).split())
    return f"The server answered: {code} {words[:MAX_REASON_LENGTH]}"


def _without_words_of(recipient: str, reason: str) -> str:
    """Return `reason` without the part of the recipient's address before the @. Some servers repeat only that part."""
    user = recipient.rpartition("@")[0]
    return re.sub(rf"(?<!\w){re.escape(user)}(?!\w)", "…", reason, flags=re.IGNORECASE) if user else reason


def _hint(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPSenderRefused):
        return "mail_sender and smtp_user"
    return "the address and smtp_user" if isinstance(error, smtplib.SMTPRecipientsRefused) else "the mail server"


def _is_permanent(error: Exception) -> bool:
    """Tell whether another attempt to send this message would fail too.

    A refused sender and a missing password are not permanent: the operator can correct the settings.
    """
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, _text = _refusal(error)
        case smtplib.SMTPDataError():
            code = error.smtp_code
        case _:
            return isinstance(error, smtplib.SMTPNotSupportedError)
    return 500 <= code < 600 and code != AUTHENTICATION_REQUIRED


def _refusal(error: smtplib.SMTPRecipientsRefused) -> tuple[int, bytes]:
    """Return the code and text of the server's reply for the recipient. A message has only one."""
    reply: tuple[int, bytes] = next(iter(error.recipients.values()))
    return reply
