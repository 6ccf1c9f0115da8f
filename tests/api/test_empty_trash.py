"""Emptying the trash with a job."""

from tests.support.imports import work
from tests.support.world import LIST, World, expect_error

EMPTY = f"{LIST}/empty-trash"


def test_the_trash_is_emptied_in_the_background(empty_world: World) -> None:
    kept, trashed = empty_world.create(first_name="Ali"), empty_world.create(first_name="Ayşe")
    assert empty_world.send("DELETE", f"{LIST}/{trashed}").status_code == 204
    started = empty_world.send("POST", EMPTY, {"older_than_days": 1})
    assert started.status_code == 202
    work(empty_world)
    assert empty_world.get(f"{LIST}/{trashed}").status_code == 200, "it has not been there for a day"
    job = empty_world.send("POST", EMPTY, {"older_than_days": 0}).json["data"]
    work(empty_world)
    ended = empty_world.get(f"/api/v1/jobs/{job['id']}").json["data"]
    assert (ended["state"], ended["result"]) == ("completed", {"purged": 1})
    expect_error(empty_world.get(f"{LIST}/{trashed}"), 404, "not_found")
    assert empty_world.get(f"{LIST}/{kept}").status_code == 200


def test_only_admins_empty_the_trash(empty_world: World) -> None:
    answer = empty_world.send("POST", EMPTY, {"older_than_days": 0}, user=empty_world.bob)
    expect_error(answer, 403, "insufficient_scope")
    expect_error(empty_world.send("POST", EMPTY, {"older_than_days": -1}), 422, "validation_error")
    expect_error(empty_world.send("POST", EMPTY, {}), 422, "validation_error")
