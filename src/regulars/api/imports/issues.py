"""The issues of an import: as JSON, and as a file to correct."""

from tempfile import TemporaryFile
from typing import ClassVar

import falcon

from regulars.api.common import Api
from regulars.api.imports.item import ID_PARAMETER, get_own_import
from regulars.api.imports.schemas import IssueList, issue_info
from regulars.customers.imports.error_file import (
    ERROR_FILE_TYPES,
    error_file_name,
    error_file_type,
    write_error_file,
)
from regulars.customers.imports.store import Import
from regulars.customers.issues import IssueKind, list_issues
from regulars.db.database import Database
from regulars.http.openapi import Operation
from regulars.http.problems import language_of
from regulars.http.query_params import Query, choice_parameter, integer_parameter
from regulars.http.responses import is_strict, send_content, send_file

KIND = choice_parameter("kind", "The default is `refused`.", "refused", options=("refused", "skipped"))
LIST_PARAMETERS = (
    choice_parameter("kind", "The default is `refused`.", "refused", options=("refused", "skipped", "kept")),
    integer_parameter("after", "Only issues with a higher row number, or customer id.", 0, low=0, high=2**63 - 1),
    integer_parameter("limit", "The maximum number of issues.", 100, low=1, high=1000, default=100),
)


class ImportIssues:
    """`/api/v1/imports/{id}/issues`"""

    operations: ClassVar = {
        "get": Operation(
            id="listImportIssues",
            summary="Get the issues of an import",
            description="Returns the rows that were refused or skipped by the import or its last preview, or the"
            " customers that an undo has kept, with the reasons.",
            response=IssueList,
            tag="Imports",
            scopes=("customers:write",),
            parameters=LIST_PARAMETERS,
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the issues."""
        principal = self.api.authenticator.principal(request, "customers:write")
        values = Query(request.query_string).read(LIST_PARAMETERS, strict=is_strict(request, response))
        found = get_own_import(self.api, principal, id)
        issues = list_issues(
            self.api.database,
            found.tenant_id,
            found.id,
            values.get("kind", "refused"),
            after=values.get("after", 0),
            limit=values.get("limit", 100),
        )
        language = language_of(request)
        send_content(request, response, IssueList([issue_info(issue, language) for issue in issues]))


class ImportErrors:
    """`/api/v1/imports/{id}/errors`"""

    operations: ClassVar = {
        "get": Operation(
            id="downloadImportErrors",
            summary="Download the error file of an import",
            description="Returns the refused (or skipped) rows with their original columns and the reason, in the"
            " language of Accept-Language: a workbook if the file was a spreadsheet, otherwise CSV. Correct it and"
            " import it.",
            response=None,
            file_types=ERROR_FILE_TYPES,
            tag="Imports",
            scopes=("customers:write",),
            parameters=(KIND,),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the file."""
        principal = self.api.authenticator.principal(request, "customers:write")
        values = Query(request.query_string).read((KIND,), strict=is_strict(request, response))
        found = get_own_import(self.api, principal, id)
        send_errors(self.api.database, request, response, found, values.get("kind", "refused"), language_of(request))


def send_errors(
    database: Database,
    request: falcon.Request,
    response: falcon.Response,
    found: Import,
    kind: IssueKind,
    language: str,
) -> None:
    """Send the error file of an import."""
    # The server closes the file after it has been sent.
    file = TemporaryFile()  # noqa: SIM115
    write_error_file(database, found, kind, language, file)
    send_file(request, response, file, error_file_name(found), error_file_type(found))
