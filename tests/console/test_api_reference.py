"""The page with the reference of the API needs no script and no session."""

import re
from typing import Any

from tests.conftest import FreshDatabase
from tests.support.world import World

PAGE = "/api/docs"


def test_the_page_has_every_operation_and_needs_no_script_and_no_session(world: World) -> None:
    document: dict[str, Any] = world.client.simulate_get("/api/openapi.json").json
    answer = world.client.simulate_get(PAGE)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "set-cookie" not in answer.headers
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _, _, rest = answer.text.partition(f'id="{operation["operationId"]}"')
            assert rest, (path, method)
            for parameter in operation["parameters"]:
                assert f"<code>{parameter['name']}</code>" in rest
    assert f"curl &#39;{world.settings.origin}/api/v1/customers&#39;" in answer.text
    for address in set(re.findall(r"""(?:src|href)=["']([^"'#]+)""", answer.text)):
        assert "//" not in address
        assert world.client.simulate_get(address).status_code in {200, 303}
    ids = set(re.findall(r'id="([^"]+)"', answer.text))
    assert set(re.findall(r'href="#([^"]+)"', answer.text)) <= ids


def test_the_page_follows_language_and_theme_and_is_sent_once(world: World) -> None:
    headers = {"Accept-Language": "tr", "Cookie": "regulars_theme=dark"}
    answer = world.client.simulate_get(PAGE, headers=headers)
    assert '<html lang="tr" data-theme="dark">' in answer.text
    headers["If-None-Match"] = answer.headers["ETag"]
    assert world.client.simulate_get(PAGE, headers=headers).status_code == 304
    assert world.client.simulate_get(PAGE, headers=headers | {"Accept-Language": "en"}).status_code == 200


def test_the_examples_have_the_public_url_and_links_keep_its_prefix(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite"), public_url="https://crm.example/regulars") as world:
        page = world.client.simulate_get(PAGE).text
    assert "curl &#39;https://crm.example/regulars/api/v1/customers&#39;" in page
    assert 'data-root="/regulars"' in page
    assert not re.findall(r'(?:src|href)="/(?!regulars/)[^"]*"', page)
