"""Undo of an import."""

from tests.support.imports import act, import_file
from tests.support.world import LIST, World

SAME_CUSTOMER_TWICE = "Ad;E-posta;Adres\nAyşe;ayse@example.com;\nAyşe;ayse@example.com;Bağdat Caddesi 1\n".encode()


def test_the_log_keeps_no_value_of_a_customer_that_an_undo_has_removed(empty_world: World) -> None:
    found = import_file(empty_world, "twice.csv", SAME_CUSTOMER_TWICE, match_by="email", on_match="fill")
    found = act(empty_world, found["id"], "undo")
    assert found["undo"] == {"removed": 1, "restored": 0, "kept": 0}
    changes = empty_world.get(f"{LIST}/changes").json["data"]
    assert [change["action"] for change in changes] == ["created", "updated", "updated", "purged"]
    assert not any(change["fields"] for change in changes), changes
