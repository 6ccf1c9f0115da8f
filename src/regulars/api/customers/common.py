"""What all addresses of customers have in common: who may do what, ETags, and the answer when it is done."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import falcon
from msgspec import UNSET, Struct, UnsetType

from regulars.api.authentication import Authenticator
from regulars.customers.read.get import Found, get_customer
from regulars.customers.schemas import Customer, CustomerAnswer
from regulars.customers.validation import find_identity_number_fault
from regulars.customers.write.change_set import ChangeSet, open_change_set
from regulars.db.database import Database
from regulars.db.idempotency_keys import SEVERAL
from regulars.errors import Gone
from regulars.http.idempotency import Done, Once
from regulars.http.openapi import path_id
from regulars.http.public_url import base_url
from regulars.http.query_params import Parameter, Query, read_path_id
from regulars.http.responses import encode, is_strict
from regulars.permissions import Principal, check_permitted
from regulars.settings import Settings

PATH = "/api/v1/customers"
ID_PARAMETER = path_id("customer", 123)
ETAG = re.compile(r'(W/)?"(?:([0-9]{1,18})\.[0-9a-f]{24})?[^"]*"')
TURKISH = "TR"
TURKEY = "Türkiye"


@dataclass(frozen=True, slots=True)
class Shown:
    """A change ends with showing a customer: with a sentence, and warnings about its identity number where it is one of
    a tenant in `country_code`. With `is_merged` the answer is about another customer as well."""

    customer_id: int
    sentence: str
    status: int = 200
    country_code: str | None = None
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A change ends with something else, or with nothing (204); `customer_id` is the customer that it is about."""

    content: Struct | None
    customer_id: int | None = None


Ending = Shown | Told


class CustomerDoor:
    """Reads who asks, and answers what was done."""

    def __init__(self, database: Database, settings: Settings, authenticator: Authenticator, once: Once) -> None:
        self.database = database
        self.settings = settings
        self.authenticator = authenticator
        self.once = once

    def writer(
        self, request: falcon.Request, response: falcon.Response, permission: str = "", what: str = ""
    ) -> Principal:
        """Who asks for a change that has no parameters; with a `permission`, for `what` needs it."""
        principal = self.authenticator.principal(request, "customers:write")
        if permission:
            check_permitted(principal, permission, what)
        self.parameters(request, response)
        return principal

    def parameters(self, request: falcon.Request, response: falcon.Response, *parameters: Parameter) -> dict[str, Any]:
        """The values of the query's parameters."""
        return Query(request.query_string).read(parameters, strict=is_strict(request, response))

    def change(
        self,
        request: falcon.Request,
        response: falcon.Response,
        principal: Principal,
        work: Callable[[ChangeSet], Ending],
    ) -> None:
        """Do the work in one transaction, once under one Idempotency-Key, and answer how it ended."""

        def done() -> Done:
            with open_change_set(self.database, principal.tenant_id, principal.actor) as changes:
                ending = work(changes)
            if isinstance(ending, Told):
                return Done(ending.content, 204 if ending.content is None else 200, {}, ending.customer_id)
            return self._shown(request, principal.tenant_id, ending)

        with self.leading_on(request, response):
            self.once.run(request, response, principal.identity, principal.tenant_id, done)

    def _shown(self, request: falcon.Request, tenant_id: int, ending: Shown) -> Done:
        found = get_customer(self.database, tenant_id, ending.customer_id)
        headers = {"ETag": f'"{etag_of(found)}"'}
        if ending.status == falcon.http_status_to_code(falcon.HTTP_CREATED):
            headers["Location"] = self.address(request, ending.customer_id)
        warnings = warnings_of(found.customer, ending.country_code)
        content = CustomerAnswer(ending.sentence, found.customer, warnings)
        return Done(content, ending.status, headers, SEVERAL if ending.is_merged else ending.customer_id)

    def address(self, request: falcon.Request, customer_id: int) -> str:
        """Where a customer is found."""
        return f"{base_url(request, self.settings.trusted_proxies)}{PATH}/{customer_id}"

    @contextmanager
    def leading_on(self, request: falcon.Request, response: falcon.Response) -> Iterator[None]:
        """Whoever asks for a customer that was merged is told where it goes on."""
        try:
            yield
        except Gone as gone:
            response.set_header("Link", f'<{self.address(request, gone.merged_into_id)}>; rel="canonical"')
            raise


def id_of(text: str) -> int:
    """The customer's id in an address. Raises `NotFound` where it is none."""
    return read_path_id(text, "customer")


def etag_of(found: Found) -> str:
    """What changes whenever the customer does, or what is shown of it: its version comes first."""
    return f"{found.version}.{hashlib.sha256(encode(found.customer)).hexdigest()[:24]}"


def expected_versions(request: falcon.Request) -> Collection[int] | None:
    """The versions of a customer that a change is meant for (If-Match; RFC 9110, section 13.1.1); None: any.

    That what is shown beside it, such as a user's name, has changed makes no difference: a change undoes nothing of it.
    """
    header = request.get_header("If-Match")
    if header is None or header.strip() == "*":
        return None
    return {int(version) for weak, version in ETAG.findall(header) if version and not weak}


def warnings_of(customer: Customer, country_code: str | None) -> dict[str, list[str]] | UnsetType:
    """What may be wrong with a customer of a tenant in `country_code`; nothing, where that is None."""
    is_turkish = customer.country_name == TURKEY or (customer.country_name is None and country_code == TURKISH)
    if country_code is None or customer.identity_number is None or not is_turkish:
        return UNSET
    fault = find_identity_number_fault(customer.identity_number)
    return UNSET if fault is None else {"identity_number": [fault]}
