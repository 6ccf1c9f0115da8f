"""Database engine with its connection pool, and sessions."""

import os
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

URL = (
    os.environ["DATABASE_URL"]
    .replace("sqlite://", "sqlite+aiosqlite://")
    .replace("postgresql://", "postgresql+asyncpg://")
)

engine = create_async_engine(URL, pool_size=10, max_overflow=10)
make_session = async_sessionmaker(engine, expire_on_commit=False)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        """Set the same pragmas as Regulars."""
        cursor = connection.cursor()
        for pragma in ("cache_size = -8000", "mmap_size = 1073741824", "temp_store = MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


async def get_session() -> AsyncIterator[AsyncSession]:
    """Yield a session for one request."""
    async with make_session() as session:
        yield session
