from typing import Any


def enqueue(database: Any, settings: Any, message: Any) -> None: ...
