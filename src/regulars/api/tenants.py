"""The endpoint of a tenant's settings."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.authentication import Authenticator
from regulars.api.tenant_fields import FIELDS, tenant_fields
from regulars.db.database import Database
from regulars.errors import NotFound
from regulars.http.json_body import JSON, MERGING, read_fields, read_json
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.query_params import Query, read_path_id
from regulars.http.responses import answer, is_strict
from regulars.tenants.tenants import Tenant, country_reader, get_tenant, update_tenant
from regulars.tenants.validation import readers

ID_PARAMETER = path_id("tenant", 1)


class TenantAnswer(Struct, frozen=True):
    """One tenant."""

    success: Annotated[str, Meta(examples=["The tenant was found."])]
    data: Tenant


class OneTenant:
    """`/api/v1/tenants/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getTenant",
            summary="Get a tenant",
            description="The tenant that the request acts in, and its settings; no other one.",
            answer=TenantAnswer,
            tag="Tenants",
            scopes=("tenants:read",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        ),
        **put_and_patch(
            "Tenant",
            "Changes the settings that are named. For admins.",
            summary="Change a tenant",
            answer=TenantAnswer,
            tag="Tenants",
            scopes=("tenants:write",),
            path_parameters=ID_PARAMETER,
            body=FIELDS,
            errors=(400, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503),
        ),
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The tenant."""
        tenant_id = self._tenant_id(request, response, "tenants:read", id)
        answer(request, response, TenantAnswer("The tenant was found.", get_tenant(self.database, tenant_id)))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the settings that are named."""
        self._update(request, response, id, (JSON,))

    def on_patch(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The same."""
        self._update(request, response, id, MERGING)

    def _update(
        self, request: falcon.Request, response: falcon.Response, id: str, media_types: tuple[str, ...]
    ) -> None:
        tenant_id = self._tenant_id(request, response, "tenants:write", id)
        content = read_json(request, media_types=media_types)
        written = read_fields(content, tenant_fields(readers(country_reader(self.database))), partial=True)
        if written.get("unique_fields", ...) is None:
            written["unique_fields"] = []
        tenant = update_tenant(self.database, tenant_id, written)
        answer(request, response, TenantAnswer("The tenant was changed.", tenant))

    def _tenant_id(self, request: falcon.Request, response: falcon.Response, scope: str, text: str) -> int:
        """The id in the address. Raises `NotFound` where it is not that of the tenant that the request acts in."""
        principal = self.authenticator.principal(request, scope)
        Query(request.query_string).read((), strict=is_strict(request, response))
        tenant_id = read_path_id(text, "tenant")
        if tenant_id != principal.tenant_id:
            raise NotFound(f"There is no tenant {tenant_id} here: the request acts in tenant {principal.tenant_id}.")
        return tenant_id
