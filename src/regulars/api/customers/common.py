"""Code that the resources of customers share: changes, ETags and links to merged customers."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

import falcon
from msgspec import UNSET, UnsetType

from regulars.api.common import Api
from regulars.customers.read.get import Found, get_customer
from regulars.customers.schemas import Customer, CustomerAnswer
from regulars.customers.validation import find_identity_number_fault
from regulars.customers.write.change_set import ChangeSet, open_change_set
from regulars.db.idempotency_keys import SEVERAL_CUSTOMERS
from regulars.errors import Gone
from regulars.http.idempotency import Result
from regulars.http.openapi import path_id
from regulars.http.query_params import read_path_id
from regulars.http.responses import encode
from regulars.i18n import _
from regulars.permissions import Principal

PATH = "/api/v1/customers"
ID_PARAMETER = path_id("customer", 123)
ETAG = re.compile(r'(W/)?"(?:([0-9]{1,18})\.[0-9a-f]{24})?[^"]*"')
TURKEY_CODE = "TR"
TURKEY_NAME = "Türkiye"
CREATED = 201

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class CustomerResult:
    """The result of a change, with the customer that the response contains.

    `country_code` is the tenant's country. If it is set, the response warns of an invalid Turkish identity number.
    `is_merged`: the change concerns two customers, so erasing either of them must also erase the stored response.
    """

    customer_id: int
    sentence: str
    status: int = 200
    country_code: str | None = None
    is_merged: bool = False


class CustomerApi(Api):
    """The steps that most requests about customers have in common."""

    def change(
        self,
        request: falcon.Request,
        response: falcon.Response,
        principal: Principal,
        rule: Callable[Concatenate[ChangeSet, P], CustomerResult | Result],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Call `rule` with a `ChangeSet` in a transaction, and send its result.

        If a request with the same Idempotency-Key was already carried out, send its stored response instead. Raise the
        errors of `rule` and of `Idempotency.attempt`; for `Gone`, set the `Link` header (`merged_link`).
        """
        identity, tenant_id = principal.identity, principal.tenant_id
        with self.merged_link(request, response), self.idempotency.attempt(request, identity, tenant_id) as attempt:
            if attempt.is_first:
                with open_change_set(self.database, tenant_id, principal.actor) as changes:
                    result = rule(changes, *args, **kwargs)
                attempt.result = result if isinstance(result, Result) else self._result(request, tenant_id, result)
        attempt.send(response)

    def _result(self, request: falcon.Request, tenant_id: int, result: CustomerResult) -> Result:
        found = get_customer(self.database, tenant_id, result.customer_id)
        headers = {"ETag": f'"{etag_of(found)}"'}
        if result.status == CREATED:
            headers["Location"] = self.url(request, f"{PATH}/{result.customer_id}")
        warnings = warnings_of(found.customer, result.country_code)
        content = CustomerAnswer(result.sentence, found.customer, warnings)
        customer_id = SEVERAL_CUSTOMERS if result.is_merged else result.customer_id
        return Result(content, result.status, headers, customer_id)

    @contextmanager
    def merged_link(self, request: falcon.Request, response: falcon.Response) -> Iterator[None]:
        """Run a block of code. If it raises `Gone`, set the `Link` header to the customer that remains after the merge.

        The error is raised again.
        """
        try:
            yield
        except Gone as gone:
            url = self.url(request, f"{PATH}/{gone.merged_into_id}")
            response.set_header("Link", f'<{url}>; rel="canonical"')
            raise


def id_of(text: str) -> int:
    """Return the customer id that a path contains as `text`. Raise `NotFound` if `text` is not an id."""
    return read_path_id(text, _("customer"))


def etag_of(found: Found) -> str:
    """Return the ETag of a customer, without quotes: its version and a digest of the customer as sent to clients."""
    return f"{found.version}.{hashlib.sha256(encode(found.customer)).hexdigest()[:24]}"


def expected_versions(request: falcon.Request) -> Collection[int] | None:
    """Return the versions in the strong ETags of If-Match (RFC 9110, section 13.1.1).

    Return None if every version is accepted: without the header, or with `*`. The digests in the ETags are ignored:
    they also change with data that an update of the customer does not overwrite, such as the name of its user.
    """
    header = request.get_header("If-Match")
    if header is None or header.strip() == "*":
        return None
    return {int(version) for weak, version in ETAG.findall(header) if version and not weak}


def warnings_of(customer: Customer, country_code: str | None) -> dict[str, list[str]] | UnsetType:
    """Return a warning, by field, if a Turkish customer's identity number is invalid; otherwise `UNSET`.

    `country_code` is the country of the tenant, which counts if the customer has none. If it is None, return `UNSET`.
    """
    is_turkish = customer.country_name == TURKEY_NAME or (customer.country_name is None and country_code == TURKEY_CODE)
    if country_code is None or customer.identity_number is None or not is_turkish:
        return UNSET
    fault = find_identity_number_fault(customer.identity_number)
    return UNSET if fault is None else {"identity_number": [fault]}
