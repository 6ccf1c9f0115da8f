"""The errors that Regulars raises, with messages for people.

    RegularsError                 code                 HTTP
    ├── Malformed                 validation_error,    400
    │                             tenant_required,
    │                             invalid_request,
    │                             invalid_client
    ├── Unauthenticated           unauthorized,        401
    │                             invalid_token
    ├── Forbidden                 insufficient_scope,  403
    │                             tenant_forbidden,
    │                             forbidden, disabled,
    │                             cross_site_request,
    │                             invalid_form_token,
    │                             email_address_lost
    ├── NotFound                  not_found            404
    ├── MethodNotAllowed          method_not_allowed   405
    ├── RequestTimeout            request_timeout      408
    ├── Conflict                  conflict             409   field -> messages, if fields are at fault
    ├── Gone                      gone                 410   id of the customer that replaces it
    ├── PreconditionFailed        precondition_failed  412
    ├── TooLarge                  validation_error     413
    ├── WrongMediaType            validation_error     415
    ├── Invalid                   validation_error     422   field -> messages
    ├── TooManyRequests           too_many_requests    429   seconds to wait
    ├── Unavailable               unavailable          503   seconds to wait
    └── ConfigurationError        configuration_error  (only the command line and the start of the server)

This module does not depend on HTTP: `regulars.http.problems` turns errors into responses, and `regulars.cli` into exit
statuses.
"""

from collections.abc import Mapping, Sequence

from regulars.i18n import _


class RegularsError(Exception):
    """An error with a stable `code` for programs and a `message` for people."""

    code = "server_error"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    @property
    def message_for_operator(self) -> str:
        """The message for the log, `/readyz` and the command line. It may say more than the one for clients."""
        return self.message


class Malformed(RegularsError):
    """The request cannot be parsed, or does not name its tenant."""

    code = "validation_error"


class Unauthenticated(RegularsError):
    """The access token is missing or not accepted."""

    code = "unauthorized"


class Forbidden(RegularsError):
    """The request is not permitted. `scope` is the missing scope, if that is the reason."""

    code = "tenant_forbidden"

    def __init__(self, message: str, code: str | None = None, scope: str | None = None) -> None:
        super().__init__(message, code)
        self.scope = scope


class NotFound(RegularsError):
    """The resource does not exist, or the principal must not learn that it exists."""

    code = "not_found"


class MethodNotAllowed(RegularsError):
    """The path does not support the method; `allowed` lists the methods that it supports."""

    code = "method_not_allowed"

    def __init__(self, message: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class RequestTimeout(RegularsError):
    """The body of the request did not arrive in time."""

    code = "request_timeout"


class Conflict(RegularsError):
    """The request conflicts with stored data; `errors` maps fields at fault, if any, to messages.

    `retry_after` is the number of seconds after which the client can try again, or None if that does not help.
    """

    code = "conflict"

    def __init__(
        self, message: str, errors: Mapping[str, Sequence[str]] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.errors = {field: list(messages) for field, messages in errors.items()} if errors else None
        self.retry_after = retry_after


class Gone(RegularsError):
    """The customer was merged into another one, whose id is `merged_into_id`."""

    code = "gone"

    def __init__(self, message: str, merged_into_id: int) -> None:
        super().__init__(message)
        self.merged_into_id = merged_into_id


class PreconditionFailed(RegularsError):
    """The resource has changed since the client read it (RFC 9110, section 13.1.1)."""

    code = "precondition_failed"


class TooLarge(RegularsError):
    """The request body is larger than allowed."""

    code = "validation_error"


class WrongMediaType(RegularsError):
    """The media type of the request body is not supported."""

    code = "validation_error"


class Invalid(RegularsError):
    """Values break their rules; `errors` maps each field at fault to messages."""

    code = "validation_error"

    def __init__(self, errors: Mapping[str, Sequence[str]], message: str | None = None) -> None:
        self.errors = {field: list(messages) for field, messages in errors.items()}
        super().__init__(message or self._summary())

    def _summary(self) -> str:
        messages = [message for group in self.errors.values() for message in group]
        if not messages:
            return _("The request is not valid.")
        if len(messages) == 1:
            return messages[0]
        if len(messages) == 2:
            return _("{first} (and 1 more error)", first=messages[0])
        return _("{first} (and {count} more errors)", first=messages[0], count=len(messages) - 1)


class TooManyRequests(RegularsError):
    """The client has sent too many requests; it can try again in `retry_after` seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(RegularsError):
    """The service cannot answer at the moment; the client can try again in `retry_after` seconds.

    `advice` tells the operator what to do. It is not sent to clients.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after: int = 1, advice: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.advice = advice

    @property
    def message_for_operator(self) -> str:
        return f"{self.message} {self.advice}" if self.advice else self.message


class ConfigurationError(RegularsError):
    """A setting, a flag or the state of the database prevents the program from starting."""

    code = "configuration_error"
