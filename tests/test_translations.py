"""API errors in the language of the client."""

from tests.support.world import World

CUSTOMERS = "/api/v1/customers"


def test_api_errors_are_in_the_language_that_the_client_prefers(world: World) -> None:
    in_turkish = world.get("/api/v1/nothing", headers={"Accept-Language": "tr-TR,tr;q=0.9,en;q=0.5"})
    assert in_turkish.status_code == 404
    assert in_turkish.json == {"error": "not_found", "message": "Bu adreste bir şey yok."}
    assert in_turkish.headers["Content-Language"] == "tr"
    assert "Accept-Language" in in_turkish.headers["Vary"]


def test_api_errors_are_in_english_for_everybody_else(world: World) -> None:
    for accepted in ("", "de", "en, tr;q=0.5", "tr;q=x", "*"):
        answer = world.get("/api/v1/nothing", headers={"Accept-Language": accepted})
        assert answer.json == {"error": "not_found", "message": "There is nothing at this address."}
        assert answer.headers["Content-Language"] == "en"
