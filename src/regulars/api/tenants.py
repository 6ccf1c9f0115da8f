"""The settings of a tenant."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.errors import NotFound
from regulars.http.json_body import Field, read_fields, read_json, text_field
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.query_params import read_path_id
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.permissions import Principal
from regulars.tenants.tenants import Tenant, country_reader, get_tenant, update_tenant
from regulars.tenants.validation import LOCALE_PATTERN, MAX_URL_LENGTH, UNIQUE, Readers, readers
from regulars.validation import MAX_NAME_LENGTH

ID_PARAMETER = path_id("tenant", 1)


def tenant_fields(how: Readers) -> Sequence[Field]:
    """Return the fields of a tenant. `how` maps the name of each setting to the function that reads it."""
    return (
        text_field(
            "name",
            "The name that people see.",
            "Güneş Diş Kliniği",
            how["name"],
            at_most=MAX_NAME_LENGTH,
            required=True,
        ),
        text_field(
            "timezone",
            "IANA name. Determines today's date.",
            "Europe/Istanbul",
            how["timezone"],
            at_most=64,
            required=True,
        ),
        text_field(
            "locale",
            "Language and country.",
            "tr-TR",
            how["locale"],
            at_most=20,
            required=True,
            schema={"pattern": f"^\\s*{LOCALE_PATTERN}\\s*$"},
        ),
        text_field(
            "country",
            "ISO 3166-1 alpha-2. Phone numbers without an international prefix are of this country.",
            "TR",
            how["country"],
            at_most=20,
            required=True,
            schema={"pattern": "^\\s*[A-Za-z]{2}\\s*$"},
        ),
        text_field(
            "logo_url",
            "Starts with https://. An empty string is the same as null.",
            "https://example.com/logo.png",
            how["logo_url"],
            at_most=MAX_URL_LENGTH,
            schema={"pattern": "^(https://[^\\s\\u0000-\\u001f\\u007f-\\u009f]+)?$"},
        ),
        Field(
            "unique_fields",
            {"type": ["array", "null"], "items": {"enum": [*UNIQUE]}},
            "The fields in which no two customers may have the same value, except in the trash.",
            ["phone_number"],
            _list_reader(how["unique_fields"]),
        ),
    )


def _list_reader(read: Callable[[Any], list[str]]) -> Callable[[Any], list[str]]:
    def read_list(value: Any) -> list[str]:
        if not isinstance(value, list):
            raise ValueError(_("must be a list of names among {options}", options=", ".join(UNIQUE)))
        return read(value)

    return read_list


TENANT_BODY = tenant_fields(readers(str))


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
            description="Returns the tenant in which the request acts, with its settings.",
            response=TenantAnswer,
            tag="Tenants",
            scopes=("tenants:read",),
            path_parameters=ID_PARAMETER,
        ),
        **put_and_patch(
            "Tenant",
            "Changes the given settings. For admins.",
            summary="Update a tenant",
            response=TenantAnswer,
            tag="Tenants",
            scopes=("tenants:write",),
            path_parameters=ID_PARAMETER,
            body=TENANT_BODY,
            errors=(409,),
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api
        self.fields = tenant_fields(readers(country_reader(api.database)))

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the tenant."""
        principal = self._principal(request, response, "tenants:read", id)
        tenant = get_tenant(self.api.database, principal.tenant_id)
        send_content(request, response, TenantAnswer("The tenant was found.", tenant))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the given fields."""
        principal = self._principal(request, response, "tenants:write", id)
        content = read_json(request)
        written = read_fields(content, self.fields, partial=True)
        if written.get("unique_fields", ...) is None:
            written["unique_fields"] = []
        tenant = update_tenant(self.api.database, principal.tenant_id, written, principal.actor)
        send_content(request, response, TenantAnswer("The tenant was changed.", tenant))

    on_patch = on_put

    def _principal(self, request: falcon.Request, response: falcon.Response, scope: str, text: str) -> Principal:
        """Return the principal of a request with the tenant id `text` in its path.

        Raise the errors of `Api.principal`, and `NotFound` if the request acts in another tenant.
        """
        principal = self.api.principal(request, response, scope)
        tenant_id = read_path_id(text, _("tenant"))
        if tenant_id != principal.tenant_id:
            raise NotFound(
                _("The request acts in tenant {own}, not in tenant {id}.", own=principal.tenant_id, id=tenant_id)
            )
        return principal
