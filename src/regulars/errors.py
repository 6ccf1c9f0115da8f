"""The errors that Regulars raises for a person to read.

    RegularsError                 code                 HTTP
    ├── Malformed                 (given)              400
    ├── Unauthenticated           unauthorized,        401
    │                             invalid_token
    ├── Forbidden                 insufficient_scope,  403
    │                             tenant_forbidden
    ├── NotFound                  not_found            404
    ├── MethodNotAllowed          method_not_allowed   405
    ├── Conflict                  conflict             409   field -> sentences, where some are at fault
    ├── Gone                      gone                 410   the id of what goes on in its place
    ├── PreconditionFailed        precondition_failed  412
    ├── TooLarge                  validation_error     413
    ├── WrongMediaType            validation_error     415
    ├── Invalid                   validation_error     422   field -> sentences
    ├── Unavailable               unavailable          503   retry after, seconds
    └── ConfigurationError        configuration_error  (the command line and the start of the server only)

This file knows no HTTP: `regulars.http.problems` and `regulars.cli` turn errors into answers.
"""

from collections.abc import Mapping, Sequence

from regulars.i18n import _


class RegularsError(Exception):
    """Something went wrong that a person can be told about: a stable `code` and a sentence."""

    code = "server_error"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Malformed(RegularsError):
    """The request cannot be understood as it stands."""

    code = "validation_error"


class Unauthenticated(RegularsError):
    """No access token, or one that is not accepted."""

    code = "unauthorized"


class Forbidden(RegularsError):
    """The token is good, but not for this."""

    code = "tenant_forbidden"

    def __init__(self, message: str, code: str | None = None, scope: str | None = None) -> None:
        super().__init__(message, code)
        self.scope = scope


class NotFound(RegularsError):
    """There is no such thing, or none that the principal may know of."""

    code = "not_found"


class MethodNotAllowed(RegularsError):
    """The path exists, but not with this method; `allowed` are those it has."""

    code = "method_not_allowed"

    def __init__(self, message: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class Conflict(RegularsError):
    """What is asked for contradicts what is stored: `errors` has sentences for the fields at fault, where some are.

    With `retry_after`, it can be tried again in so many seconds.
    """

    code = "conflict"

    def __init__(
        self, message: str, errors: Mapping[str, Sequence[str]] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.errors = {field: list(sentences) for field, sentences in errors.items()} if errors else None
        self.retry_after = retry_after


class Gone(RegularsError):
    """It was merged into another, whose id is `goes_on_as`."""

    code = "gone"

    def __init__(self, message: str, goes_on_as: int) -> None:
        super().__init__(message)
        self.goes_on_as = goes_on_as


class PreconditionFailed(RegularsError):
    """It has changed since the client saw it (RFC 9110, section 13.1.1)."""

    code = "precondition_failed"


class TooLarge(RegularsError):
    """The body is longer than is read."""

    code = "validation_error"


class WrongMediaType(RegularsError):
    """The body is of a kind that is not read here."""

    code = "validation_error"


class Invalid(RegularsError):
    """Values that break their rule: `errors` maps each field to its sentences."""

    code = "validation_error"

    def __init__(self, errors: Mapping[str, Sequence[str]], message: str | None = None) -> None:
        self.errors = {field: list(sentences) for field, sentences in errors.items()}
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


class Unavailable(RegularsError):
    """The service cannot answer just now; try again in `retry_after` seconds."""

    code = "unavailable"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConfigurationError(RegularsError):
    """A setting, a flag or the state of the database stops the program from starting."""

    code = "configuration_error"
