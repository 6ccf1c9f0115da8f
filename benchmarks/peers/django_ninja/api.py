"""Application with one route, which requires a fixed token."""

from secrets import compare_digest
from typing import Annotated

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from ninja import Header, NinjaAPI
from ninja.pagination import PageNumberPagination, paginate
from ninja.security import HttpBearer

from .models import Customer
from .schemas import CustomerOut


class StaticToken(HttpBearer):
    """Authentication with the token from the settings."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        """Return the token if it is correct."""
        return token if compare_digest(token.encode(), settings.API_TOKEN.encode()) else None


api = NinjaAPI(auth=StaticToken(), docs_url=None)


@api.get("/customers", response=list[CustomerOut])
@paginate(PageNumberPagination, page_size=15)
def list_customers(request: HttpRequest, x_tenant: Annotated[int, Header()]) -> QuerySet[Customer]:
    """Return a page of the tenant's customers, newest first."""
    customers = Customer.objects.filter(tenant_id=x_tenant, deleted_at__isnull=True)
    return customers.select_related("country", "related_user").order_by("-created_at", "-id")


urlpatterns = [path("api/v1/", api.urls)]
