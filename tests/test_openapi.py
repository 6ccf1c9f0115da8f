"""The OpenAPI document: it describes every operation as it is, and its page needs nothing from elsewhere."""

import re
from typing import Any

import pytest

from regulars.app import routes
from regulars.customers.parameters import PARAMETERS
from tests.world import LIST, World


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    return dict(world.client.simulate_get("/api/openapi.json").json)


def test_every_address_of_the_api_is_described_with_all_its_methods(world: World, document: dict[str, Any]) -> None:
    served = {
        (path, name.removeprefix("on_"))
        for path, resource in routes(world.settings, world.database)
        if path.startswith("/api/v")
        for name in dir(resource)
        if name.startswith("on_") and name != "on_head"
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == served


def test_every_parameter_has_its_rule_a_description_and_an_example(document: dict[str, Any]) -> None:
    described = {p["name"]: p for p in document["paths"][LIST]["get"]["parameters"] if p["in"] == "query"}
    assert list(described) == [parameter.name for parameter in PARAMETERS]
    for parameter in described.values():
        assert parameter["description"]
        assert parameter["schema"]
        assert "example" in parameter or "examples" in parameter
    assert described["per_page"]["schema"] | {"minimum": 1, "maximum": 100} == described["per_page"]["schema"]


def test_every_operation_lists_its_errors_with_an_example_of_each(document: dict[str, Any]) -> None:
    expected = {
        LIST: {"200", "304", "400", "401", "403", "405", "422", "500", "503"},
        LIST + "/{id}": {"200", "304", "400", "401", "403", "404", "405", "422", "500", "503"},
    }
    for path, statuses in expected.items():
        responses = document["paths"][path]["get"]["responses"]
        assert set(responses) == statuses
        for status in statuses - {"200", "304"}:
            example = responses[status]["content"]["application/json"]["example"]
            assert {"error", "message"} <= set(example)


def test_an_answer_has_exactly_the_fields_that_the_document_names(world: World, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Customer"]
    customer = world.get(params={"per_page": 1}).json["data"][0]
    assert list(customer) == list(schema["properties"]) == schema["required"]


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    world: World, document: dict[str, Any]
) -> None:
    answer = world.client.simulate_get("/api/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for path in document["paths"]:
        assert path in answer.text
    loaded = re.findall(r"""(?:src|href)=["']([^"'#]+)""", answer.text)
    for address in loaded:
        assert "//" not in address
        assert world.client.simulate_get(f"/api/{address}").status_code == 200
