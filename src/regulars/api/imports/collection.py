"""List imports, and upload a file to import."""

from typing import Any, ClassVar

import falcon
from falcon.media.multipart import MultipartParseError

from regulars.api.common import Api
from regulars.api.imports.schemas import ImportAnswer, ImportList, import_info
from regulars.api.jobs import EXAMPLE_ID, is_own, sees_all
from regulars.customers.imports.settings import ImportSettings
from regulars.customers.imports.store import Import, create_import, list_imports
from regulars.errors import Invalid, Malformed, WrongMediaType
from regulars.http.idempotency import Result
from regulars.http.middleware import UPLOAD_CHECK
from regulars.http.openapi import MULTIPART, Operation
from regulars.http.problems import language_of
from regulars.http.query_params import Query, integer_parameter, text_parameter
from regulars.http.responses import is_strict, send_content
from regulars.i18n import _
from regulars.jobs.files import StoredFile, delete_file, store_file
from regulars.permissions import Principal
from regulars.security.tokens import new_id
from regulars.validation import quote, without_control_characters

PATH = "/api/v1/imports"
MAX_NAME_LENGTH = 255
MAX_PAGE = 1_000
LIST_PARAMETERS = (
    integer_parameter("limit", "The maximum number of imports.", 100, low=1, high=1000, default=100),
    text_parameter("before", "Only imports older than the one with this id.", EXAMPLE_ID, at_most=36),
)


class Imports:
    """`/api/v1/imports`"""

    operations: ClassVar = {
        "get": Operation(
            id="listImports",
            summary="Get all imports",
            description="Returns imports, newest first. Admins and owners see those of all members.",
            response=ImportList,
            tag="Imports",
            scopes=("customers:write",),
            parameters=LIST_PARAMETERS,
        ),
        "post": Operation(
            id="uploadImport",
            summary="Upload a file to import",
            description="Uploads a file of up to 500 MB: CSV, XLSX, XLS, ODS, vCard or JSON Lines. It is examined in"
            " the background; read the import until its state is `ready`. Nothing is imported before it is started.",
            response=ImportAnswer,
            status=201,
            tag="Imports",
            scopes=("customers:write",),
            uploads_file=True,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the imports."""
        principal = self.api.authenticator.principal(request, "customers:write")
        values = Query(request.query_string).read(LIST_PARAMETERS, strict=is_strict(request, response))
        language = language_of(request)
        found = [import_info(each, language) for each in self._list(principal, values)]
        send_content(request, response, ImportList(found))

    def _list(self, principal: Principal, values: dict[str, Any]) -> list[Import]:
        limit, before = values.get("limit", 100), values.get("before") or "~"
        found: list[Import] = []
        while len(found) < limit:
            page = list_imports(self.api.database, principal.tenant_id, before=before, limit=MAX_PAGE)
            found += [each for each in page if sees_all(principal) or is_own(principal, each.actor)]
            if len(page) < MAX_PAGE:
                break
            before = page[-1].id
        return found[:limit]

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Upload a file. The front asks first whether the file would be accepted (`UPLOAD_CHECK`)."""
        principal = self.api.principal(request, response, "customers:write")
        _check_media_type(request)
        if request.env.get(UPLOAD_CHECK):
            response.status = 204
            return
        stored = self._store(request, principal)
        request.context.body = stored.digest.encode()
        with self.api.idempotency.attempt(request, principal.identity, principal.tenant_id) as attempt:
            if attempt.is_first:
                attempt.result = self._create(request, principal, stored)
        if not attempt.is_first:
            delete_file(self.api.database, principal.tenant_id, stored.id)
        attempt.send(response)

    def _store(self, request: falcon.Request, principal: Principal) -> StoredFile:
        """Store the part `file` of the body. Raise `Malformed` or `Invalid` if there is no such part."""
        if not request.content_length:
            raise Malformed(_("The body is empty."))
        stored = None
        try:
            for part in request.get_media():
                if part.name == "file" and stored is None:
                    stored = self._store_part(part, principal.tenant_id)
        except (MultipartParseError, falcon.HTTPBadRequest):
            # The boundary at the end is missing, so the file may be cut off.
            if stored is not None:
                delete_file(self.api.database, principal.tenant_id, stored.id)
            raise Malformed(_("The body is not valid {media_type}.", media_type=MULTIPART)) from None
        if stored is None:
            raise Invalid({"file": [_("{field} is required.", field="file")]})
        return stored

    def _store_part(self, part: Any, tenant_id: int) -> StoredFile:
        return store_file(self.api.database, tenant_id, new_id(), _file_name(part.filename), part.stream)

    def _create(self, request: falcon.Request, principal: Principal, stored: StoredFile) -> Result:
        found = create_import(
            self.api.database, principal.tenant_id, principal.actor, stored, ImportSettings(), claim=None
        )
        answer = ImportAnswer("The file was uploaded.", import_info(found, language_of(request)))
        return Result(answer, 201, {"Location": self.api.url(request, f"{PATH}/{found.id}")})


def _check_media_type(request: falcon.Request) -> None:
    given = (request.content_type or "").partition(";")[0].strip().lower()
    if given != MULTIPART:
        raise WrongMediaType(_("Send {options}, not {value}.", options=MULTIPART, value=quote(given)))


def _file_name(given: str | None) -> str:
    """Return the name of an uploaded file, without the folders that some browsers send."""
    name = without_control_characters((given or "").replace("\\", "/").rpartition("/")[2]).strip()
    return name[-MAX_NAME_LENGTH:] or "file"
