"""Code that the resources of the API share."""

from collections.abc import Callable
from typing import ParamSpec

import falcon

from regulars.api.authentication import Authenticator
from regulars.db.database import Database
from regulars.http.idempotency import Idempotency, Result
from regulars.http.public_url import base_url
from regulars.http.query_params import read_parameters
from regulars.permissions import Principal
from regulars.settings import Settings

P = ParamSpec("P")


class Api:
    """The dependencies of the API's resources, and the steps that most requests have in common."""

    def __init__(
        self, database: Database, settings: Settings, authenticator: Authenticator, idempotency: Idempotency
    ) -> None:
        self.database = database
        self.settings = settings
        self.authenticator = authenticator
        self.idempotency = idempotency

    def principal(self, request: falcon.Request, response: falcon.Response, scope: str) -> Principal:
        """Return the principal of a request to an operation without query parameters.

        Raise the errors of `Authenticator.principal`, and in strict mode `Invalid` if the request has parameters.
        """
        principal = self.authenticator.principal(request, scope)
        read_parameters(request, response)
        return principal

    def url(self, request: falcon.Request, path: str) -> str:
        """Return the absolute URL of a path of this service, for clients."""
        return base_url(request.env, self.settings) + path

    def run(
        self,
        request: falcon.Request,
        response: falcon.Response,
        principal: Principal,
        rule: Callable[P, Result],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Call `rule` in a transaction and send its result.

        If a request with the same Idempotency-Key was already carried out, send its stored response instead. Raise the
        errors of `rule` and of `Idempotency.attempt`.
        """
        with self.idempotency.attempt(request, principal.identity, principal.tenant_id) as attempt:
            if attempt.is_first:
                attempt.result = rule(*args, **kwargs)
        attempt.send(response)
