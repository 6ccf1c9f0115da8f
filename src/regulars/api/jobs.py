"""Jobs: list and get them, cancel them, and retry those that failed."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.customers.retry import retry
from regulars.errors import Forbidden, NotFound
from regulars.http.idempotency import Result
from regulars.http.openapi import Operation
from regulars.http.problems import language_of
from regulars.http.query_params import Query, choice_parameter, integer_parameter, text_parameter
from regulars.http.responses import is_strict, send_content
from regulars.i18n import _, translate
from regulars.jobs.queue import JOB_STATES, Job, JobKind, JobState, cancel_job, get_job, list_jobs
from regulars.permissions import PERMISSIONS, Actor, Principal

EXAMPLE_ID = "019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"
ID_PARAMETER = {"id": {"schema": {"type": "string"}, "description": "The job's id.", "example": EXAMPLE_ID}}
LIST_PARAMETERS = (
    choice_parameter("state", "Only jobs with this state.", "running", options=JOB_STATES),
    integer_parameter("limit", "The maximum number of jobs.", 100, low=1, high=1000, default=100),
    text_parameter("before", "Only jobs older than the one with this id.", EXAMPLE_ID, at_most=36),
)
MAX_PAGE = 1_000


class JobInfo(Struct, frozen=True):
    """A job: work in the background."""

    id: Annotated[str, Meta(examples=[EXAMPLE_ID])]
    kind: Annotated[JobKind, Meta(examples=["import"])]
    state: Annotated[JobState, Meta(examples=["running"])]
    user_id: Annotated[
        int | None, Meta(description="The user who started it. Null: a service account or the operator.", examples=[7])
    ]
    import_id: Annotated[str | None, Meta(description="The import that it works on, if any.", examples=[EXAMPLE_ID])]
    bulk_change_id: Annotated[
        str | None, Meta(description="The bulk change that it carries out or undoes, if any.", examples=[None])
    ]
    done: Annotated[int, Meta(description="The number of done steps, such as rows.", examples=[4200])]
    total: Annotated[int | None, Meta(description="The number of all steps, if it is known.", examples=[10000])]
    percent: Annotated[int | None, Meta(description="The share of done steps, if the total is known.", examples=[42])]
    error: Annotated[
        str | None, Meta(description="Why it failed or, of a queued job, why it is tried again later.", examples=[None])
    ]
    result: Annotated[dict[str, Any] | None, Meta(description="The result of a completed job.", examples=[None])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]
    started_at: Annotated[datetime | None, Meta(examples=["2026-11-07T05:31:57Z"])]
    finished_at: Annotated[datetime | None, Meta(examples=[None])]


class JobList(Struct, frozen=True):
    """Jobs of a tenant."""

    data: list[JobInfo]


class JobAnswer(Struct, frozen=True):
    """One job."""

    success: Annotated[str, Meta(examples=["The job was found."])]
    data: JobInfo


def job_info(job: Job, language: str) -> JobInfo:
    """Return a job in the form in which clients receive it, with messages in `language`."""
    return JobInfo(
        id=job.id,
        kind=job.kind,
        state=job.state,
        user_id=job.actor.user_id,
        import_id=job.arguments.get("import_id"),
        bulk_change_id=job.arguments.get("bulk_change_id"),
        done=job.done,
        total=job.total,
        percent=job.percent,
        error=job.error and translate(job.error, language),
        result=job.result,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def sees_all(principal: Principal) -> bool:
    """Tell whether the principal sees the jobs and imports of other members too."""
    return "jobs:manage" in PERMISSIONS[principal.role]


def is_own(principal: Principal, actor: Actor) -> bool:
    """Tell whether the principal is the user, or the service account, who started something."""
    if actor.user_id is not None:
        return actor.user_id == principal.identity.user_id
    return principal.identity.user_id is None and actor.client_id == principal.identity.client_id


def get_own_job(api: Api, principal: Principal, job_id: str) -> Job:
    """Return a job that the principal may see. Raise `NotFound` otherwise."""
    job = get_job(api.database, principal.tenant_id, job_id)
    if not sees_all(principal) and not is_own(principal, job.actor):
        raise NotFound(_("There is no job {id}.", id=job_id))
    return job


class Jobs:
    """`/api/v1/jobs`"""

    operations: ClassVar = {
        "get": Operation(
            id="listJobs",
            summary="Get all jobs",
            description="Returns jobs of the tenant, newest first. Admins and owners see those of all members.",
            response=JobList,
            tag="Jobs",
            scopes=("customers:read",),
            parameters=LIST_PARAMETERS,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the jobs."""
        principal = self.api.authenticator.principal(request, "customers:read")
        values = Query(request.query_string).read(LIST_PARAMETERS, strict=is_strict(request, response))
        found = self._list(principal, values)
        language = language_of(request)
        send_content(request, response, JobList([job_info(job, language) for job in found]))

    def _list(self, principal: Principal, values: dict[str, Any]) -> list[Job]:
        database, limit, before = self.api.database, values.get("limit", 100), values.get("before") or "~"
        found: list[Job] = []
        while len(found) < limit:
            page = list_jobs(database, principal.tenant_id, before=before, state=values.get("state"), limit=MAX_PAGE)
            found += [job for job in page if sees_all(principal) or is_own(principal, job.actor)]
            if len(page) < MAX_PAGE:
                break
            before = page[-1].id
        return found[:limit]


class OneJob:
    """`/api/v1/jobs/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getJob",
            summary="Get a job",
            description="Returns a job with its progress. Members other than admins and owners see only their own.",
            response=JobAnswer,
            tag="Jobs",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the job."""
        principal = self.api.principal(request, response, "customers:read")
        job = get_own_job(self.api, principal, id)
        send_content(request, response, JobAnswer("The job was found.", job_info(job, language_of(request))))


class _JobAction(ABC):
    """An action on a job, with POST."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Carry out the action."""
        principal = self.api.principal(request, response, "customers:read")
        job = get_own_job(self.api, principal, id)
        _check_may_write(principal, job)
        self.api.run(request, response, principal, self._act, job, language_of(request))

    @abstractmethod
    def _act(self, job: Job, language: str) -> Result:
        """Carry out the action on a job that the principal may change."""


class CancelJob(_JobAction):
    """`/api/v1/jobs/{id}/cancel`"""

    operations: ClassVar = {
        "post": Operation(
            id="cancelJob",
            summary="Cancel a job",
            description="A queued job ends at once, a running one after its current step. What an import or a bulk"
            " change has done until then stays, and can be undone.",
            response=JobAnswer,
            tag="Jobs",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        )
    }

    def _act(self, job: Job, language: str) -> Result:
        cancelled = cancel_job(self.api.database, job.tenant_id, job.id)
        return Result(JobAnswer("The job was cancelled.", job_info(cancelled, language)))


class RetryJob(_JobAction):
    """`/api/v1/jobs/{id}/retry`"""

    operations: ClassVar = {
        "post": Operation(
            id="retryJob",
            summary="Retry a job",
            description="Queues a failed or cancelled job again. It continues where it stopped.",
            response=JobAnswer,
            tag="Jobs",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        )
    }

    def _act(self, job: Job, language: str) -> Result:
        retried = retry(self.api.database, job.tenant_id, job.id)
        return Result(JobAnswer("The job was queued again.", job_info(retried, language)))


def _check_may_write(principal: Principal, job: Job) -> None:
    """Raise `Forbidden` if the job changes customers and the principal cannot."""
    if job.kind == "export":
        return
    scopes = principal.identity.scopes
    if "customers:write" not in scopes or "customers:write" not in PERMISSIONS[principal.role]:
        message = _("The access token lacks the scope {scope}.", scope="customers:write")
        raise Forbidden(message, code="insufficient_scope", scope="customers:write")
