"""Imports through the API."""

from tests.support.imports import act, import_file, upload
from tests.support.world import World

SALON = (
    "Ad Soyad;Telefon;Doğum Tarihi;Cinsiyet;E-posta;Etiketler;Boy\r\n"
    "Ayşe Yılmaz;0532 111 22 33;25.11.1953;Kadın;ayse@example.com;VIP, Boya;170\r\n"
    "Mehmet Can Demir;0533 222 33 44;03.12.1985;Erkek;mehmet@example.com;;180\r\n"
    "İnci Kaya;yok;31.02.1990;Kadın;;;160\r\n"
).encode("windows-1254")


def test_a_file_with_turkish_headings(empty_world: World) -> None:
    found = upload(empty_world, "müşteriler.csv", SALON)
    print(found)
    found = act(empty_world, found["id"], "preview")
    print(found["preview"])
    found = act(empty_world, found["id"], "start")
    print(found)
    print(empty_world.get().text)
    print(empty_world.send("GET", f"/api/v1/imports/{found['id']}/errors", headers={"Accept-Language": "tr"}).text)
    print(empty_world.send("GET", "/api/v1/customers/1/history", headers={"Accept-Language": "tr"}).text)
    found = act(empty_world, found["id"], "undo")
    print(found)
    assert 0
