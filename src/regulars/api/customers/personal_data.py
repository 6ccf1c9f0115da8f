"""What is held about a person."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import ID_PARAMETER, CustomerDoor, id_of
from regulars.customers.read.personal_data import PersonalData, personal_data_of
from regulars.http.openapi import Operation
from regulars.http.responses import answer


class PersonalDataAnswer(Struct, frozen=True):
    """All that is held about a person."""

    success: Annotated[str, Meta(examples=["The personal data was found."])]
    data: PersonalData


class CustomerPersonalData:
    """`/api/v1/customers/{id}/personal-data`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomerPersonalData",
            summary="Get all that is held about a person",
            description="For a person who asks what is held about them: the customer with all fields, its history, and"
            " those that were merged into it.",
            answer=PersonalDataAnswer,
            tag="Customers",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The data."""
        principal = self.door.authenticator.principal(request, "customers:read")
        self.door.parameters(request, response)
        held = personal_data_of(self.door.database, principal.tenant_id, id_of(id))
        answer(request, response, PersonalDataAnswer("The personal data was found.", held))
