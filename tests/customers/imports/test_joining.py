"""Values that several columns of a row have together."""

from typing import Any

import pytest

from regulars.customers.imports.joining import join_address, join_names, missing_names
from regulars.customers.imports.names import split_name


@pytest.mark.parametrize(
    ("values", "full_name", "missing"),
    [
        ({}, "Ayşe Nur Yılmaz", {"first_name": "Ayşe Nur", "last_name": "Yılmaz"}),
        ({}, "Ayşe", {"first_name": "Ayşe"}),
        ({}, ",", {}),
        ({"first_name": "Ayşe"}, "Ayşe Nur Yılmaz", {"last_name": "Nur Yılmaz"}),
        ({"first_name": "Mehmet Ali"}, "Mehmet Ali", {}),
        ({"first_name": "Ayşe"}, "Güneş Kliniği", {}),
        ({"last_name": "Yılmaz"}, "Ayşe Nur Yılmaz", {"first_name": "Ayşe Nur"}),
        ({"last_name": "Yılmaz"}, "Yılmaz", {"first_name": "Yılmaz"}),
        ({"first_name": "Ayşe", "last_name": "Yılmaz"}, "Ayşe Yılmaz", {}),
    ],
)
def test_a_full_name_completes_the_others(values: dict[str, str], full_name: str, missing: dict[str, str]) -> None:
    assert missing_names(values, full_name, split_name(full_name, "TR")) == missing


def test_the_parts_of_a_name_are_replaced() -> None:
    values = {"full_name": "Ayşe Nur Yılmaz", "middle_name": "Nur", "first_name": "Ayşe", "job": "Eczacı"}
    join_names(values, "TR")
    assert values == {"first_name": "Ayşe Nur", "last_name": "Yılmaz", "job": "Eczacı"}


STREET, CITY, REGION, CODE = "address_street", "address_city", "address_region", "address_postal_code"


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (
            {STREET: "Moda Cad. 1", CITY: "Kadıköy", REGION: "İstanbul", CODE: "34710"},
            "Moda Cad. 1|34710 Kadıköy, İstanbul",
        ),
        ({STREET: "Hauptstraße 5", CODE: "80331", CITY: "München"}, "Hauptstraße 5|80331 München"),
        ({STREET: "1 rue de la Paix\nBât. 2", CITY: "Paris"}, "1 rue de la Paix|Bât. 2|Paris"),
        ({CITY: "İstanbul"}, "İstanbul"),
        ({CITY: "Bursa", REGION: "BURSA", CODE: "16000"}, "16000 Bursa"),
        ({CODE: "34710"}, "34710"),
        ({}, None),
        (
            {"address": "Moda Cad. 1, Kadıköy/İSTANBUL", CITY: "Kadıköy", REGION: "istanbul"},
            "Moda Cad. 1, Kadıköy/İSTANBUL",
        ),
        ({"address": "Moda Cad. 1", CITY: "Kadıköy", REGION: "İstanbul"}, "Moda Cad. 1|Kadıköy, İstanbul"),
        ({"address": "Profesör Sok. 3", CITY: "Of", REGION: "Trabzon"}, "Profesör Sok. 3|Of, Trabzon"),
        (
            {"address": "Moda Cad. 1\n34710 Kadıköy", STREET: "Moda Cad. 1", CITY: "Üsküdar"},
            "Moda Cad. 1|34710 Kadıköy",
        ),
    ],
)
def test_the_parts_of_an_address_are_joined(values: dict[str, Any], address: str | None) -> None:
    found = dict(values)
    join_address(found)
    assert found == ({"address": address.replace("|", "\n")} if address else {})
