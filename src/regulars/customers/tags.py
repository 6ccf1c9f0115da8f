"""Tags: what a tenant sorts its customers by."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from regulars.clock import utc_now
from regulars.customers.change_log import Change, record_changes
from regulars.customers.validation import read_line
from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import customer_tags, customers, tags
from regulars.errors import Conflict, NotFound
from regulars.permissions import Actor
from regulars.tenants.locks import lock_customers

SEQUENCE = "tag_ids"
COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
BETWEEN_TAGS = "|"
"""In a file, where a customer has several."""
DOTLESS = str.maketrans({"ı": "i", "İ": "i"})


class Tag(Struct, frozen=True):
    """A tag."""

    id: Annotated[int, Meta(examples=[1])]
    name: Annotated[str, Meta(examples=["VIP"])]
    color: Annotated[str, Meta(description="#RRGGBB.", examples=["#E4572E"])]


FIELDS = (tags.c.id, tags.c.name, tags.c.color)
OF_TENANT = tags.c.tenant_id == bindparam("tenant_id")
ALL = Statement(select(*FIELDS).where(OF_TENANT).order_by(tags.c.name_key), replica_ok=True)
ONE = Statement(select(*FIELDS).where(OF_TENANT, tags.c.id == bindparam("id")), replica_ok=True)
BY_NAME = Statement(select(tags.c.id).where(OF_TENANT, tags.c.name_key == bindparam("name_key")))
INSERT = Statement(
    insert(tags).values({name: bindparam(name) for name in ("tenant_id", "id", "name", "name_key", "color")})
)
OF_TAG = (tags.c.tenant_id == bindparam("of_tenant"), tags.c.id == bindparam("of_tag"))
CHANGE = Statement(
    update(tags).where(*OF_TAG).values({name: bindparam(f"new_{name}") for name in ("name", "name_key", "color")})
)
REMOVE = Statement(delete(tags).where(*OF_TAG))
WITH_TAG = select(customer_tags.c.customer_id).where(
    customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.tag_id == bindparam("of_tag")
)
TAGS_OF_TAGGED = Statement(
    select(customer_tags.c.customer_id, customer_tags.c.tag_id)
    .where(customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.customer_id.in_(WITH_TAG))
    .order_by(customer_tags.c.customer_id, customer_tags.c.tag_id)
)
TOUCH_TAGGED = Statement(
    update(customers)
    .where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.id.in_(WITH_TAG))
    .values(updated_at=bindparam("now"), version=customers.c.version + literal_column("1"))
)
UNTAG = Statement(
    delete(customer_tags).where(
        customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.tag_id == bindparam("of_tag")
    )
)
TAGS_OF_CUSTOMERS = Statement(
    select(customer_tags.c.customer_id, *FIELDS)
    .select_from(
        customer_tags.join(
            tags, (tags.c.tenant_id == customer_tags.c.tenant_id) & (tags.c.id == customer_tags.c.tag_id)
        )
    )
    .where(customer_tags.c.tenant_id == bindparam("tenant_id"), one_of(customer_tags.c.customer_id, "ids"))
    .order_by(tags.c.name_key),
    replica_ok=True,
)


def name_key(name: str) -> str:
    """What two names are the same by: their letters, whatever their case, also in Turkish."""
    return " ".join(name.translate(DOTLESS).casefold().split())


def read_tag_name(text: str) -> str:
    """A name. Raises ValueError with the rest of a sentence."""
    if BETWEEN_TAGS in text:
        raise ValueError(f"must not contain {BETWEEN_TAGS}, which stands between tags in files")
    return read_line(text)


def read_color(text: str) -> str:
    """A colour. Raises ValueError with the rest of a sentence."""
    if not COLOR.fullmatch(text):
        raise ValueError(f"must be a colour such as #E4572E, not {text[:20]!r}")
    return text.upper()


def list_tags(database: Database, tenant_id: int) -> list[Tag]:
    """The tenant's tags, by name."""
    return [Tag(*row) for row in database.fetch_all(ALL, {"tenant_id": tenant_id})]


def get_tag(database: Database, tenant_id: int, tag_id: int) -> Tag:
    """One of the tenant's tags. Raises `NotFound`."""
    row = database.fetch_one(ONE, {"tenant_id": tenant_id, "id": tag_id})
    if row is None:
        raise NotFound(f"There is no tag {tag_id}.")
    return Tag(*row)


def tags_of(database: Database, tenant_id: int, customer_ids: Collection[int]) -> Mapping[int, Sequence[Tag]]:
    """The tags of each of these customers, by name."""
    found: dict[int, list[Tag]] = {number: [] for number in customer_ids}
    if not found:
        return found
    values = {"tenant_id": tenant_id, "ids": list(found)}
    for customer_id, *row in database.fetch_all(TAGS_OF_CUSTOMERS, values):
        found[customer_id].append(Tag(*row))
    return found


def create_tag(database: Database, tenant_id: int, name: str, color: str) -> Tag:
    """A new tag. Raises `Conflict` where the name is taken."""
    with database.transaction():
        lock_customers(database, tenant_id)
        _check_free(database, tenant_id, name, None)
        (tag_id,) = database.new_ids(SEQUENCE, 1)
        values = {"tenant_id": tenant_id, "id": tag_id, "name": name, "name_key": name_key(name), "color": color}
        database.execute(INSERT, values)
    return Tag(tag_id, name, color)


def update_tag(
    database: Database, tenant_id: int, tag_id: int, *, name: str | None = None, color: str | None = None
) -> Tag:
    """Change a tag's name or colour. Raises `NotFound`, and `Conflict` where the name is another's."""
    with database.transaction():
        lock_customers(database, tenant_id)
        tag = get_tag(database, tenant_id, tag_id)
        tag = Tag(tag_id, name or tag.name, color or tag.color)
        _check_free(database, tenant_id, tag.name, tag_id)
        new = {"new_name": tag.name, "new_name_key": name_key(tag.name), "new_color": tag.color}
        database.execute(CHANGE, {"of_tenant": tenant_id, "of_tag": tag_id, **new})
    return tag


def delete_tag(database: Database, tenant_id: int, tag_id: int, actor: Actor) -> None:
    """Remove a tag, from all customers who have it too. Raises `NotFound`."""
    with database.transaction():
        lock_customers(database, tenant_id)
        get_tag(database, tenant_id, tag_id)
        of_tag = {"of_tenant": tenant_id, "of_tag": tag_id}
        now = utc_now()
        had: dict[int, list[int]] = {}
        for customer_id, each in database.fetch_all(TAGS_OF_TAGGED, of_tag):
            had.setdefault(customer_id, []).append(each)
        changes = [
            Change(customer_id, "updated", {"tags": (before, [each for each in before if each != tag_id])}, now)
            for customer_id, before in had.items()
        ]
        database.execute(TOUCH_TAGGED, of_tag | {"now": now})
        database.execute(UNTAG, of_tag)
        database.execute(REMOVE, of_tag)
        record_changes(database, tenant_id, actor, changes)


def _check_free(database: Database, tenant_id: int, name: str, tag_id: int | None) -> None:
    row = database.fetch_one(BY_NAME, {"tenant_id": tenant_id, "name_key": name_key(name)})
    if row is not None and row[0] != tag_id:
        sentence = f"The name is that of tag {row[0]} already."
        raise Conflict(sentence, {"name": [sentence]})
