"""The endpoint of countries."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.authentication import Authenticator
from regulars.db.database import Database
from regulars.http.openapi import Operation
from regulars.http.query_params import Query
from regulars.http.responses import answer, is_strict
from regulars.tenants.countries import Country, list_countries


class CountriesAnswer(Struct, frozen=True):
    """All countries."""

    success: Annotated[str, Meta(examples=["The countries were found."])]
    data: list[Country]


class CountryList:
    """`/api/v1/countries`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCountries",
            summary="Get all countries",
            description="All countries in the order of their names; a customer's `country_name` is one of them.",
            answer=CountriesAnswer,
            tag="Reference",
            needs_tenant=False,
            errors=(400, 401, 405, 422, 500, 503),
        )
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The countries."""
        self.authenticator.identity(request)
        Query(request.query_string).read((), strict=is_strict(request, response))
        answer(request, response, CountriesAnswer("The countries were found.", list_countries(self.database)))
