"""Idempotency keys of requests, with their responses."""

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy import bindparam, literal_column, null, or_, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import one_of, upsert
from regulars.db.statement import Statement
from regulars.db.tables import idempotency_keys as table

SEVERAL_CUSTOMERS = 0


class StoredResponse(Struct, frozen=True):
    """A stored response, with its headers as JSON. The digest of its request is empty if the response was erased."""

    request_digest: str
    status: int
    headers: str
    body: bytes | None


IS_KEY = (table.c.tenant_id == bindparam("of_tenant"), table.c.key == bindparam("of_key"))
GET_RESPONSE = Statement(select(table.c.request_digest, table.c.status, table.c.headers, table.c.body).where(*IS_KEY))
RESPONSE_COLUMNS = ("status", "headers", "body", "customer_id")
SET_RESPONSE = Statement(
    update(table).where(*IS_KEY).values({name: bindparam(f"new_{name}") for name in RESPONSE_COLUMNS})
)
ERASE_RESPONSES = Statement(
    update(table)
    .where(
        table.c.tenant_id == bindparam("of_tenant"),
        or_(
            one_of(table.c.customer_id, "ids"),
            table.c.customer_id == literal_column(str(SEVERAL_CUSTOMERS)),
        ),
    )
    .values(request_digest="", body=null(), headers="{}")
)


CLAIM_KEY = Statement(
    upsert(table)
    .values({name: bindparam(name) for name in ("tenant_id", "key", "request_digest", "status", "created_at")})
    .on_conflict_do_nothing()
)


def claim_key(database: Database, tenant_id: int, key: str, request_digest: str) -> bool:
    """Insert the key. Return False if it exists. If an unfinished transaction has inserted it, wait until that ends."""
    values = {
        "tenant_id": tenant_id,
        "key": key,
        "request_digest": request_digest,
        "status": 0,
        "created_at": utc_now(),
    }
    return bool(database.execute(CLAIM_KEY, values))


def store_response(
    database: Database, tenant_id: int, key: str, response: StoredResponse, customer_id: int | None
) -> None:
    """Store the response of a claimed key.

    `customer_id` is the customer that the response contains, `SEVERAL_CUSTOMERS`, or None if it contains none.
    """
    values = {
        "of_tenant": tenant_id,
        "of_key": key,
        "new_status": response.status,
        "new_headers": response.headers,
        "new_body": response.body,
        "new_customer_id": customer_id,
    }
    database.execute(SET_RESPONSE, values)


def get_response(database: Database, tenant_id: int, key: str) -> StoredResponse:
    """Return the stored response of a key that exists."""
    ((digest, status, headers, body),) = database.fetch_all(GET_RESPONSE, {"of_tenant": tenant_id, "of_key": key})
    return StoredResponse(digest, status, headers, body and bytes(body))


def erase_responses(database: Database, tenant_id: int, customer_ids: Collection[int]) -> None:
    """Erase the responses that contain, or may contain, one of these customers.

    Their keys stay, so that a repeated request is not carried out again.
    """
    database.execute(ERASE_RESPONSES, {"of_tenant": tenant_id, "ids": list(customer_ids)})
