"""Empty the trash."""

from datetime import timedelta
from typing import ClassVar

import falcon

from regulars.api.common import Api
from regulars.api.jobs import JobAnswer, job_info
from regulars.clock import utc_now
from regulars.customers.write.empty_trash import start_emptying
from regulars.http.idempotency import Result
from regulars.http.json_body import integer_field, read_fields, read_json
from regulars.http.openapi import Operation
from regulars.http.problems import language_of
from regulars.i18n import _
from regulars.permissions import Principal, check_permitted

MAX_DAYS = 36_500


BODY = (
    integer_field(
        "older_than_days",
        "Only customers that have been in the trash for at least this number of days; 0: all.",
        30,
        low=0,
        high=MAX_DAYS,
        required=True,
    ),
)


class EmptyTrash:
    """`/api/v1/customers/empty-trash`"""

    operations: ClassVar = {
        "post": Operation(
            id="emptyTrash",
            summary="Empty the trash",
            description="Starts a job that permanently deletes the customers in the trash. For admins and owners.",
            response=JobAnswer,
            status=202,
            tag="Customers",
            scopes=("customers:write",),
            body=BODY,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Start the job."""
        principal = self.api.principal(request, response, "customers:write")
        check_permitted(principal, "customers:erase", _("empty the trash"))
        days = read_fields(read_json(request), BODY)["older_than_days"]
        self.api.run(request, response, principal, self._start, principal, days, language_of(request))

    def _start(self, principal: Principal, days: int, language: str) -> Result:
        # A customer that was moved to the trash in this second counts too.
        before = utc_now() + timedelta(seconds=1) - timedelta(days=days)
        job = start_emptying(self.api.database, principal.tenant_id, principal.actor, before)
        return Result(JobAnswer("The emptying of the trash was started.", job_info(job, language)), 202)
