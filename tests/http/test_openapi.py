"""The OpenAPI document describes every operation."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from regulars.api.customers.parameters import PARAMETERS
from regulars.api.users import USER_PARAMETERS
from regulars.app import routes
from regulars.http.query_params import Parameter
from regulars.scopes import SCOPES
from tests.support.world import LIST, World

USERS = "/api/v1/users"
ACCOUNT = "/api/v1/account"
WITHOUT_TENANT = {ACCOUNT, "/api/v1/account/tenants", "/api/v1/account/tenants/{id}", "/api/v1/countries"}


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    return dict(world.client.simulate_get("/api/openapi.json").json)


def test_every_address_of_the_api_is_described_with_all_its_methods(world: World, document: dict[str, Any]) -> None:
    served = {
        (path, name.removeprefix("on_"))
        for path, resource in routes(world.settings, world.database)
        if path.startswith("/api/v")
        for name in dir(resource)
        if name.startswith("on_")
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == served


@pytest.mark.parametrize(("path", "parameters"), [(LIST, PARAMETERS), (USERS, USER_PARAMETERS)])
def test_every_parameter_has_its_rule_a_description_and_an_example(
    document: dict[str, Any], path: str, parameters: tuple[Parameter, ...]
) -> None:
    described = {p["name"]: p for p in document["paths"][path]["get"]["parameters"] if p["in"] == "query"}
    assert list(described) == [parameter.name for parameter in parameters]
    for parameter in described.values():
        assert parameter["description"]
        assert parameter["schema"]
        assert "example" in parameter or "examples" in parameter
    assert described["per_page"]["schema"] | {"minimum": 1, "maximum": 100} == described["per_page"]["schema"]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def is_download(operation: dict[str, Any]) -> bool:
    return "application/json" not in operation["responses"].get("200", {}).get("content", {"application/json": {}})


def test_every_operation_lists_its_errors_with_an_example_of_each(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        expected = {"400", "401", "405", "422", "429", "500", "503"}
        expected |= {"200"} if method == "get" else set()
        expected |= {"304"} if method == "get" and not is_download(operation) else set()
        expected |= {"403"} if path != "/api/v1/countries" else set()
        expected |= {"404"} if "{id}" in path else set()
        expected |= {"408", "413", "415"} if "requestBody" in operation else set()
        statuses = set(operation["responses"])
        assert statuses >= expected, (path, method)
        if method == "get":
            assert statuses - expected <= {"409", "410"}, (path, method)
        assert len(statuses & {"200", "201", "202", "204"}) == 1, (path, method)
        for status in statuses - {"200", "201", "202", "204", "304"}:
            example = operation["responses"][status]["content"]["application/json"]["example"]
            assert {"error", "message"} <= set(example)


def test_every_operation_says_whether_it_needs_a_tenant(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        takes_tenant = "X-Tenant" in {parameter["name"] for parameter in operation["parameters"]}
        assert takes_tenant == (path not in WITHOUT_TENANT)


READ_AND_WRITTEN_WITH_ONE_SCOPE = (
    "/api/v1/imports",
    "/api/v1/exports",
    "/api/v1/jobs",
    "/api/v1/bulk-changes",
    "/api/v1/views",
    "/api/v1/customers/duplicates/check",  # reads; its values are in the body because the log has the address
)


def test_every_operation_has_one_of_the_documents_tags_and_scopes_that_exist(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    used = set()
    for path, method, operation in operations(document):
        used |= set(operation["tags"])
        scopes = re.findall(r"`([a-z]+:[a-z]+)`", operation["description"].rpartition("\n\n")[2])
        assert set(scopes) <= set(SCOPES)
        assert bool(scopes) == (path != "/api/v1/countries")
        # Imports have files with data of customers, so a token that only reads customers does not see them. Views
        # change no customers, so each reader can save some.
        only_reads = all(scope.endswith(":read") for scope in scopes)
        assert only_reads == (method == "get") or path.startswith(READ_AND_WRITTEN_WITH_ONE_SCOPE)
    assert used == tags


def test_every_post_can_be_repeated_and_every_body_names_its_fields(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method == "post"), path
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (LIST, "Customer"),
        (USERS, "TenantUser"),
        (ACCOUNT, "Account"),
        ("/api/v1/account/tenants", "OwnTenant"),
        ("/api/v1/account/roles", "AccountRoles"),
        ("/api/v1/channels", "Channel"),
        ("/api/v1/countries", "Country"),
    ],
)
def test_an_answer_has_exactly_the_fields_that_the_document_names(
    world: World, document: dict[str, Any], path: str, schema: str
) -> None:
    described = document["components"]["schemas"][schema]
    token = world.token(world.alice, list(SCOPES))
    data = world.client.simulate_get(path, headers={"Authorization": f"Bearer {token}"}).json["data"]
    first = data[0] if isinstance(data, list) else data
    assert list(first) == described["required"]
    # Tags are included only on request.
    assert set(described["properties"]) - set(first) == ({"tags"} if schema == "Customer" else set())


@pytest.mark.parametrize("schema", ["DetectedFile", "DetectedColumn"])
def test_what_was_detected_in_a_file_is_described(document: dict[str, Any], schema: str) -> None:
    described = document["components"]["schemas"][schema]["properties"]
    assert [name for name, each in described.items() if not each.get("description")] == []
