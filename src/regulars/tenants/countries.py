"""Countries."""

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import countries
from regulars.text import sort_key


class Country(Struct, frozen=True):
    """A country."""

    id: Annotated[int, Meta(description="ISO 3166-1 numeric.", examples=[792])]
    code: Annotated[str, Meta(description="ISO 3166-1 alpha-2.", examples=["TR"])]
    name: Annotated[str, Meta(examples=["Türkiye"])]


LIST_COUNTRIES = Statement(select(countries.c.id, countries.c.code, countries.c.name), replica_ok=True)


def list_countries(database: Database) -> list[Country]:
    """Return all countries, by name."""
    found = [Country(*row) for row in database.fetch_all(LIST_COUNTRIES)]
    return sorted(found, key=lambda country: sort_key(country.name) or "")
