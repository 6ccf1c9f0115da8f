"""The personal data of a customer."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import ID_PARAMETER, CustomerApi, id_of
from regulars.customers.read.personal_data import PersonalData, personal_data_of
from regulars.http.openapi import Operation
from regulars.http.query_params import read_parameters
from regulars.http.responses import send_content


class PersonalDataAnswer(Struct, frozen=True):
    """Everything stored about a person."""

    success: Annotated[str, Meta(examples=["The personal data was found."])]
    data: PersonalData


class CustomerPersonalData:
    """`/api/v1/customers/{id}/personal-data`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomerPersonalData",
            summary="Get all data of a person",
            description="Returns everything stored about a person, for subject access requests: the customer with all"
            " fields, its history, and the customers that were merged into it.",
            response=PersonalDataAnswer,
            tag="Customers",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the data."""
        principal = self.api.authenticator.principal(request, "customers:read")
        read_parameters(request, response)
        held = personal_data_of(self.api.database, principal.tenant_id, id_of(id))
        send_content(request, response, PersonalDataAnswer("The personal data was found.", held))
