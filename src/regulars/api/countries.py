"""Countries."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.http.openapi import Operation
from regulars.http.query_params import read_parameters
from regulars.http.responses import send_content
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
            description="Returns all countries, by name. A customer's `country_name` is one of them.",
            response=CountriesAnswer,
            tag="Reference",
            needs_tenant=False,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get all countries."""
        self.api.authenticator.identity(request)
        read_parameters(request, response)
        send_content(request, response, CountriesAnswer("The countries were found.", list_countries(self.api.database)))
