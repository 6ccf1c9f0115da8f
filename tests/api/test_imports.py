"""Imports through the API."""

from tests.support.imports import act, upload
from tests.support.world import World

SALON = (
    "Ad Soyad;Telefon;Doğum Tarihi;Cinsiyet;E-posta;Etiketler;Boy\r\n"
    "Ayşe Yılmaz;0532 111 22 33;25.11.1953;Kadın;ayse@example.com;VIP, Boya;170\r\n"
    "Mehmet Can Demir;0533 222 33 44;03.12.1985;Erkek;mehmet@example.com;;180\r\n"
    "İnci Kaya;yok;31.02.1990;Kadın;;;160\r\n"
).encode("windows-1254")


def test_a_file_with_turkish_headings(empty_world: World) -> None:
    found = upload(empty_world, "müşteriler.csv", SALON)
    found = act(empty_world, found["id"], "start")
    found = act(empty_world, found["id"], "undo")
    assert found["undo"] == {"removed": 2, "restored": 0, "kept": 0}
