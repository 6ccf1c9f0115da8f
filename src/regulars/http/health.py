"""Health checks: `/healthz` for the process, `/readyz` for the database, its schema and the secret key."""

from collections.abc import Callable

import falcon

from regulars.db.database import Database
from regulars.db.schema_version import check_schema
from regulars.errors import ConfigurationError, Unavailable


class Alive:
    """`/healthz`"""

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Return 200 while the process runs."""
        response.set_header("Cache-Control", "no-store")
        response.data = b'{"status":"alive"}'


class Ready:
    """`/readyz`"""

    def __init__(self, database: Database, check_secret_key: Callable[[], None]) -> None:
        self.database = database
        self.check_secret_key = check_secret_key

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Return 200 if requests can be served, otherwise 503 with the reason."""
        response.set_header("Cache-Control", "no-store")
        try:
            check_schema(self.database)
            self.check_secret_key()
        except ConfigurationError as error:
            raise Unavailable(error.message, retry_after=5) from None
        except Unavailable as error:
            # Operators read health checks, so include the advice for them.
            raise Unavailable(error.message_for_operator, error.retry_after) from None
        response.data = b'{"status":"ready"}'
