"""The files of imports are deleted when they are no longer needed, and with a person who is erased."""

from datetime import timedelta

from sqlalchemy import column, text

from regulars.cleanup import delete_expired_rows
from regulars.clock import utc_now
from regulars.db.statement import Statement
from tests.support.imports import act, get, import_file, upload
from tests.support.world import World, expect_error

SALON = (
    "Ad Soyad;Telefon;Doğum Tarihi;Cinsiyet;E-posta;Etiketler;Boy\r\n"
    "Ayşe Yılmaz;0532 111 22 33;25.11.1953;Kadın;ayse@example.com;VIP, Boya;170\r\n"
    "Mehmet Can Demir;0533 222 33 44;03.12.1985;Erkek;mehmet@example.com;;180\r\n"
    "İnci Kaya;yok;31.02.1990;Kadın;;;160\r\n"
).encode("windows-1254")


def test_the_file_of_an_erased_person_is_deleted_immediately(empty_world: World) -> None:
    found = import_file(empty_world, "müşteriler.csv", SALON)
    assert "31.02.1990" in stored_text(empty_world)
    person = empty_world.get(params={"search": "ayşe"}).json["data"][0]["id"]
    assert empty_world.send("POST", f"/api/v1/customers/{person}/erase").status_code == 200
    everything = stored_text(empty_world)
    assert not any(name in everything for name in ("Ayşe", "ayse@example.com", "31.02.1990", "İnci Kaya"))
    assert get(empty_world, found["id"])["result"]["refused"] == 1
    assert act(empty_world, found["id"], "undo")["undo"] == {"removed": 1, "restored": 0, "kept": 0}


def stored_text(world: World) -> str:
    """Return everything that is stored about imports and jobs, and the parts of files."""
    queries = (
        "SELECT coalesce(detected, ''), coalesce(preview, ''), coalesce(result, '') FROM imports",
        "SELECT coalesce(checkpoint, ''), coalesce(result, ''), coalesce(error, '') FROM jobs",
        "SELECT reasons, coalesce(cells, ''), kind FROM issues",
        "SELECT CAST(number AS text), file_id, 'part' FROM stored_file_parts",
    )
    return repr([world.database.fetch_all(Statement(text(query).columns(*map(column, "abc")))) for query in queries])


def test_files_are_deleted_after_the_period_for_an_undo(empty_world: World) -> None:
    imported = import_file(empty_world, "a.csv", SALON)
    uploaded = upload(empty_world, "b.csv", SALON + b"x;;;;;;\r\n")
    delete_expired_rows(empty_world.database, utc_now() + timedelta(days=29))
    assert "part" in stored_text(empty_world)
    delete_expired_rows(empty_world.database, utc_now() + timedelta(days=31))
    everything = stored_text(empty_world)
    assert "part" not in everything
    assert "Ayşe" not in everything
    assert get(empty_world, imported["id"])["undo_until"] is None
    answer = empty_world.send("POST", f"/api/v1/imports/{imported['id']}/undo")
    assert "30 days" in expect_error(answer, 409, "conflict")["message"]
    expect_error(empty_world.send("GET", f"/api/v1/imports/{uploaded['id']}"), 404, "not_found")
