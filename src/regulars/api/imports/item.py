"""One import: get it, change it, preview it, start it, and undo it."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import falcon

from regulars.api.common import Api
from regulars.api.imports.body import IMPORT_BODY, START_BODY, check_settings, read_settings
from regulars.api.imports.schemas import ImportAnswer, import_info, without_rows
from regulars.api.jobs import EXAMPLE_ID, is_own, sees_all
from regulars.customers.imports.store import (
    Import,
    change_settings,
    discard_import,
    get_import,
    start_import,
    start_preview,
    start_undo,
)
from regulars.errors import NotFound
from regulars.http.idempotency import Result
from regulars.http.json_body import PATCH_TYPES, read_fields, read_json
from regulars.http.openapi import Operation
from regulars.http.problems import language_of
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.permissions import Principal

ID_PARAMETER = {"id": {"schema": {"type": "string"}, "description": "The import's id.", "example": EXAMPLE_ID}}


def get_own_import(api: Api, principal: Principal, import_id: str) -> Import:
    """Return an import that the principal may see. Raise `NotFound` otherwise."""
    found = get_import(api.database, principal.tenant_id, import_id)
    if not sees_all(principal) and not is_own(principal, found.actor):
        raise NotFound(_("There is no import {id}.", id=import_id))
    return found


class OneImport:
    """`/api/v1/imports/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getImport",
            summary="Get an import",
            description="Returns an import with its progress. Members other than admins and owners see only their own.",
            response=ImportAnswer,
            tag="Imports",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
        ),
        "patch": Operation(
            id="changeImport",
            summary="Change the settings of an import",
            description="Changes how the file is read and what happens with its rows, before the import is started. If"
            " the file must be read in another way, it is examined again.",
            response=ImportAnswer,
            tag="Imports",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            body=IMPORT_BODY,
            body_is_partial=True,
            media_types=PATCH_TYPES,
            errors=(409,),
        ),
        "delete": Operation(
            id="deleteImport",
            summary="Delete an import",
            description="Deletes an import that was not started, with its file.",
            response=None,
            status=204,
            tag="Imports",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            errors=(409,),
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the import."""
        principal = self.api.principal(request, response, "customers:write")
        found = get_own_import(self.api, principal, id)
        send_content(request, response, ImportAnswer("The import was found.", import_info(found, language_of(request))))

    def on_patch(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the given settings."""
        principal = self.api.principal(request, response, "customers:write")
        content = read_json(request)
        found = get_own_import(self.api, principal, id)
        settings = read_settings(content, found)
        changed = change_settings(self.api.database, found, settings, principal.actor)
        answer = ImportAnswer("The import was changed.", import_info(changed, language_of(request)))
        send_content(request, response, answer)

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Delete the import and its file."""
        principal = self.api.principal(request, response, "customers:write")
        discard_import(self.api.database, get_own_import(self.api, principal, id))
        response.status = 204


class _ImportAction(ABC):
    """An action on an import, with POST."""

    sentence: ClassVar[str]

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Start the action in the background."""
        principal = self.api.principal(request, response, "customers:write")
        options = self._read_options(request)

        def act() -> Result:
            found = self._start(get_own_import(self.api, principal, id), principal, options)
            info = without_rows(import_info(found, language_of(request)))
            return Result(ImportAnswer(self.sentence, info), 202)

        self.api.run(request, response, principal, act)

    def _read_options(self, request: falcon.Request) -> dict[str, Any]:
        """Return the options in the body of the request."""
        return {}

    @abstractmethod
    def _start(self, found: Import, principal: Principal, options: dict[str, Any]) -> Import:
        """Start the action on an import that the principal may see."""


def _action(id: str, summary: str, description: str, **options: Any) -> Operation:
    return Operation(
        id=id,
        summary=summary,
        description=f"{description} The response is without `file`, `preview` and `result`.",
        response=ImportAnswer,
        status=202,
        tag="Imports",
        scopes=("customers:write",),
        path_parameters=ID_PARAMETER,
        **options,
    )


class PreviewImport(_ImportAction):
    """`/api/v1/imports/{id}/preview`"""

    operations: ClassVar = {
        "post": _action(
            "previewImport",
            "Preview an import",
            "Starts a dry run over the whole file, which writes no customers. Read the import until its state is"
            " `ready` again: `preview` then has the first rows as they would be stored, and the counts of all rows.",
        )
    }
    sentence = "The preview was started."

    def _start(self, found: Import, principal: Principal, options: dict[str, Any]) -> Import:
        check_settings(found)
        return start_preview(self.api.database, found, principal.actor)


class StartImport(_ImportAction):
    """`/api/v1/imports/{id}/start`"""

    operations: ClassVar = {
        "post": _action(
            "startImport",
            "Start an import",
            "Starts to import the rows of the file. If the same file was imported before, the response is 409, unless"
            " `confirm` is true.",
            body=START_BODY,
        )
    }
    sentence = "The import was started."

    def _read_options(self, request: falcon.Request) -> dict[str, Any]:
        has_body = request.content_length or request.content_type
        return read_fields(read_json(request), START_BODY) if has_body else {}

    def _start(self, found: Import, principal: Principal, options: dict[str, Any]) -> Import:
        check_settings(found)
        is_confirmed = bool(options.get("confirm"))
        return start_import(self.api.database, found, principal.actor, is_confirmed=is_confirmed)


class UndoImport(_ImportAction):
    """`/api/v1/imports/{id}/undo`"""

    operations: ClassVar = {
        "post": _action(
            "undoImport",
            "Undo an import",
            "Starts to remove the customers that the import created, and to restore those that it changed. A customer"
            " that has been changed since is kept, and listed in the issues of the import. Possible for 30 days.",
        )
    }
    sentence = "The undo was started."

    def _start(self, found: Import, principal: Principal, options: dict[str, Any]) -> Import:
        return start_undo(self.api.database, found, principal.actor)
