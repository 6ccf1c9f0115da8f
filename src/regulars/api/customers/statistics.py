"""Statistics of the customers."""

from datetime import datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import CustomerApi
from regulars.customers.read.statistics import Statistics, fetch_statistics
from regulars.customers.read.statistics_sql import GROUPS
from regulars.http.openapi import Operation
from regulars.http.query_params import choices_parameter, read_parameters
from regulars.http.responses import send_content

GROUP_BY = choices_parameter(
    "group_by",
    "The groups to count by: one or several, separated by commas. The default is all of them.",
    "gender,age",
    options=GROUPS,
)


class StatisticsAnswer(Struct, frozen=True):
    """The statistics of the customers of a tenant."""

    success: Annotated[str, Meta(examples=["The customers were counted."])]
    data: Statistics


class CustomerStatistics:
    """`/api/v1/customers/statistics`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomerStatistics",
            summary="Get statistics",
            description="Returns the number of customers by gender, age, month of creation, default channel, country,"
            " assigned user and tag. Customers in the trash do not count. Each number is the total of the list with"
            " the same filter, at any time and without delay. The request costs the same however many customers there"
            " are.",
            response=StatisticsAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(GROUP_BY,),
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the statistics."""
        principal = self.api.authenticator.principal(request, "customers:read")
        groups = read_parameters(request, response, GROUP_BY).get("group_by", GROUPS)
        now = datetime.now(ZoneInfo(principal.time_zone))
        statistics = fetch_statistics(self.api.database, principal.tenant_id, frozenset(groups), now)
        send_content(request, response, StatisticsAnswer("The customers were counted.", statistics))
