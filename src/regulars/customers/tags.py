"""Tags of customers."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import bindparam, delete, exists, func, insert, literal_column, null, select, update

from regulars.clock import utc_now
from regulars.customers.change_log import Change, record_changes
from regulars.customers.counts.group_counts import TAG, GroupDeltas, add_group_deltas
from regulars.customers.validation import read_line
from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import customer_tags, customers, tags
from regulars.errors import Conflict, NotFound
from regulars.i18n import _
from regulars.permissions import Actor
from regulars.tenants.locks import lock_customers
from regulars.validation import quote

COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
TAG_SEPARATOR = "|"
"""Separates the tags of a customer in a CSV file."""
MAX_TAG_NAME_LENGTH = 60
TURKISH_I = str.maketrans({"ı": "i", "İ": "i"})


class Tag(Struct, frozen=True):
    """A tag."""

    id: Annotated[int, Meta(examples=[1])]
    name: Annotated[str, Meta(examples=["VIP"])]
    color: Annotated[str, Meta(description="#RRGGBB.", examples=["#E4572E"])]


SELECTED_TAG_COLUMNS = (tags.c.id, tags.c.name, tags.c.color)
IS_TAG_OF_TENANT = tags.c.tenant_id == bindparam("tenant_id")
LIST_TAGS = Statement(select(*SELECTED_TAG_COLUMNS).where(IS_TAG_OF_TENANT).order_by(tags.c.name_key), replica_ok=True)
GET_TAG = Statement(
    select(*SELECTED_TAG_COLUMNS).where(IS_TAG_OF_TENANT, tags.c.id == bindparam("id")), replica_ok=True
)
FIND_TAG_BY_NAME = Statement(select(tags.c.id).where(IS_TAG_OF_TENANT, tags.c.name_key == bindparam("name_key")))
INSERT_TAG = Statement(
    insert(tags).values(
        {name: bindparam(name) for name in ("tenant_id", "id", "name", "name_key", "color", "import_id")}
    )
)
IS_TAG = (tags.c.tenant_id == bindparam("of_tenant"), tags.c.id == bindparam("of_tag"))
UPDATE_TAG = Statement(
    update(tags)
    .where(*IS_TAG)
    .values({name: bindparam(f"new_{name}") for name in ("name", "name_key", "color")} | {"import_id": null()})
)
DELETE_TAG = Statement(delete(tags).where(*IS_TAG))
FIND_UNUSED_TAGS = Statement(
    select(tags.c.id)
    .where(
        IS_TAG_OF_TENANT,
        tags.c.import_id == bindparam("import_id"),
        ~exists().where(customer_tags.c.tenant_id == bindparam("tenant_id"), customer_tags.c.tag_id == tags.c.id),
    )
    .limit(literal_column("100"))
)
DELETE_TAGS = Statement(delete(tags).where(tags.c.tenant_id == bindparam("of_tenant"), one_of(tags.c.id, "ids")))
TAGGED_CUSTOMERS = select(customer_tags.c.customer_id).where(
    customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.tag_id == bindparam("of_tag")
)
LIST_TAGS_OF_TAGGED = Statement(
    select(customer_tags.c.customer_id, customer_tags.c.tag_id)
    .where(customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.customer_id.in_(TAGGED_CUSTOMERS))
    .order_by(customer_tags.c.customer_id, customer_tags.c.tag_id)
)
TOUCH_TAGGED_CUSTOMERS = Statement(
    update(customers)
    .where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.id.in_(TAGGED_CUSTOMERS))
    .values(updated_at=bindparam("now"), version=customers.c.version + literal_column("1"))
)
COUNT_LISTED_TAGGED = Statement(
    select(func.count()).where(
        customers.c.tenant_id == bindparam("of_tenant"),
        customers.c.id.in_(TAGGED_CUSTOMERS),
        customers.c.deleted_at.is_(None),
    )
)
UNTAG_CUSTOMERS = Statement(
    delete(customer_tags).where(
        customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.tag_id == bindparam("of_tag")
    )
)
LIST_TAGS_OF_CUSTOMERS = Statement(
    select(customer_tags.c.customer_id, *SELECTED_TAG_COLUMNS)
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
    """Return the key for comparing names: case-insensitive, Turkish-aware."""
    return " ".join(name.translate(TURKISH_I).casefold().split())


def read_tag_name(text: str) -> str:
    """Return `text` as the name of a tag. Raise ValueError if it is invalid.

    The message completes a sentence that starts with the name of the field, such as "must not contain …".
    """
    if TAG_SEPARATOR in text:
        raise ValueError(_("must not contain {character}, which separates tags in files", character=TAG_SEPARATOR))
    if len(text) > MAX_TAG_NAME_LENGTH:
        raise ValueError(
            _("must have at most {limit} characters, not {count}", limit=MAX_TAG_NAME_LENGTH, count=len(text))
        )
    return read_line(text)


def read_color(text: str) -> str:
    """Return `text`, a colour such as #e4572e, in upper case. Raise ValueError if it is invalid.

    The message completes a sentence that starts with the name of the field.
    """
    if not COLOR.fullmatch(text):
        raise ValueError(_("must be a colour such as #E4572E, not {value}", value=quote(text)))
    return text.upper()


def list_tags(database: Database, tenant_id: int) -> list[Tag]:
    """Return the tags of the tenant, ordered by name."""
    return [Tag(*row) for row in database.fetch_all(LIST_TAGS, {"tenant_id": tenant_id})]


def get_tag(database: Database, tenant_id: int, tag_id: int) -> Tag:
    """Return a tag of the tenant. Raise `NotFound` if it does not exist."""
    row = database.fetch_one(GET_TAG, {"tenant_id": tenant_id, "id": tag_id})
    if row is None:
        raise NotFound(_("There is no tag {id}.", id=tag_id))
    return Tag(*row)


def tags_of(database: Database, tenant_id: int, customer_ids: Collection[int]) -> Mapping[int, Sequence[Tag]]:
    """Return the tags of each of these customers, ordered by name; an empty list for a customer without tags."""
    found: dict[int, list[Tag]] = {number: [] for number in customer_ids}
    if not found:
        return found
    values = {"tenant_id": tenant_id, "ids": list(found)}
    for customer_id, *row in database.fetch_all(LIST_TAGS_OF_CUSTOMERS, values):
        found[customer_id].append(Tag(*row))
    return found


def create_tag(database: Database, tenant_id: int, name: str, color: str, *, import_id: str | None = None) -> Tag:
    """Create a tag, for an import or not, and return it. Raise `Conflict` if the name is taken."""
    with database.transaction():
        tag_id = lock_customers(database, tenant_id, new_tags=1).tag
        _check_name_is_free(database, tenant_id, name, None)
        values = {"tenant_id": tenant_id, "id": tag_id, "name": name, "name_key": name_key(name), "color": color}
        database.execute(INSERT_TAG, values | {"import_id": import_id})
    return Tag(tag_id, name, color)


def update_tag(
    database: Database, tenant_id: int, tag_id: int, *, name: str | None = None, color: str | None = None
) -> Tag:
    """Change the name or colour of a tag, and return the tag.

    Raise `NotFound` if it does not exist, and `Conflict` if the name is taken.
    """
    with database.transaction():
        lock_customers(database, tenant_id)
        tag = get_tag(database, tenant_id, tag_id)
        tag = Tag(tag_id, name or tag.name, color or tag.color)
        _check_name_is_free(database, tenant_id, tag.name, tag_id)
        new = {"new_name": tag.name, "new_name_key": name_key(tag.name), "new_color": tag.color}
        database.execute(UPDATE_TAG, {"of_tenant": tenant_id, "of_tag": tag_id, **new})
    return tag


def delete_tag(database: Database, tenant_id: int, tag_id: int, actor: Actor) -> None:
    """Delete a tag and remove it from all customers. Raise `NotFound` if it does not exist.

    The customers get a new version and an entry in the change log.
    """
    with database.transaction():
        lock_customers(database, tenant_id)
        get_tag(database, tenant_id, tag_id)
        of_tag = {"of_tenant": tenant_id, "of_tag": tag_id}
        now = utc_now()
        had: dict[int, list[int]] = {}
        for customer_id, each in database.fetch_all(LIST_TAGS_OF_TAGGED, of_tag):
            had.setdefault(customer_id, []).append(each)
        changes = [
            Change(customer_id, "updated", {"tags": (before, [each for each in before if each != tag_id])}, now)
            for customer_id, before in had.items()
        ]
        ((listed,),) = database.fetch_all(COUNT_LISTED_TAGGED, of_tag)
        add_group_deltas(database, tenant_id, GroupDeltas({(TAG, tag_id): -listed}))
        database.execute(TOUCH_TAGGED_CUSTOMERS, of_tag | {"now": now})
        database.execute(UNTAG_CUSTOMERS, of_tag)
        database.execute(DELETE_TAG, of_tag)
        record_changes(database, tenant_id, actor, changes)


def delete_tags(database: Database, tenant_id: int, ids: Collection[int]) -> None:
    """Delete tags that no customer has, in the current transaction."""
    database.execute(DELETE_TAGS, {"of_tenant": tenant_id, "ids": list(ids)})


def delete_unused_tags(database: Database, tenant_id: int, import_id: str) -> int:
    """Delete some tags that an import has created, that nobody has changed, and that no customer has.

    Return their number, which is 0 if none is left.
    """
    with database.transaction():
        lock_customers(database, tenant_id)
        unused = database.fetch_all(FIND_UNUSED_TAGS, {"tenant_id": tenant_id, "import_id": import_id})
        if unused:
            delete_tags(database, tenant_id, [number for (number,) in unused])
    return len(unused)


def _check_name_is_free(database: Database, tenant_id: int, name: str, tag_id: int | None) -> None:
    row = database.fetch_one(FIND_TAG_BY_NAME, {"tenant_id": tenant_id, "name_key": name_key(name)})
    if row is not None and row[0] != tag_id:
        sentence = _("name is already used by tag {id}.", id=row[0])
        raise Conflict(sentence, {"name": [sentence]})
