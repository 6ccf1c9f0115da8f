"""Keys of requests that may be sent again, each with the answer that it was given."""

from msgspec import Struct
from sqlalchemy import bindparam, literal_column, null, or_, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import idempotency_keys as table

SEVERAL = 0


class KeptAnswer(Struct, frozen=True):
    """An answer as it was given (headers in JSON), and the digest of its request; that is empty where it was erased."""

    request_digest: str
    status: int
    headers: str
    body: bytes | None


OF_KEY = (table.c.tenant_id == bindparam("of_tenant"), table.c.key == bindparam("of_key"))
FIND = Statement(select(table.c.request_digest, table.c.status, table.c.headers, table.c.body).where(*OF_KEY))
ANSWER = ("status", "headers", "body", "customer_id")
KEEP = Statement(update(table).where(*OF_KEY).values({name: bindparam(f"new_{name}") for name in ANSWER}))
ERASE = Statement(
    update(table)
    .where(
        table.c.tenant_id == bindparam("of_tenant"),
        or_(table.c.customer_id == bindparam("of_customer"), table.c.customer_id == literal_column(str(SEVERAL))),
    )
    .values(request_digest="", body=null(), headers="{}")
)


CLAIM_KEY = Statement(
    upsert(table)
    .values({name: bindparam(name) for name in ("tenant_id", "key", "request_digest", "status", "created_at")})
    .on_conflict_do_nothing()
)


def claim_key(database: Database, tenant_id: int, key: str, request_digest: str) -> bool:
    """Whether the key is new; it is kept if the transaction is. Waits for another who has claimed it just now."""
    values = {
        "tenant_id": tenant_id,
        "key": key,
        "request_digest": request_digest,
        "status": 0,
        "created_at": utc_now(),
    }
    return bool(database.execute(CLAIM_KEY, values))


def keep_answer(database: Database, tenant_id: int, key: str, answer: KeptAnswer, customer_id: int | None) -> None:
    """Keep the answer beside its key; it is about a customer, about several (0), or about none (None)."""
    values = {
        "of_tenant": tenant_id,
        "of_key": key,
        "new_status": answer.status,
        "new_headers": answer.headers,
        "new_body": answer.body,
        "new_customer_id": customer_id,
    }
    database.execute(KEEP, values)


def get_answer(database: Database, tenant_id: int, key: str) -> KeptAnswer:
    """The answer that is kept beside a claimed key."""
    ((digest, status, headers, body),) = database.fetch_all(FIND, {"of_tenant": tenant_id, "of_key": key})
    return KeptAnswer(digest, status, headers, body and bytes(body))


def erase_answers(database: Database, tenant_id: int, customer_id: int) -> None:
    """Forget the answers that are, or may be, about a customer. Their keys stay, so that nothing is done twice."""
    database.execute(ERASE, {"of_tenant": tenant_id, "of_customer": customer_id})
