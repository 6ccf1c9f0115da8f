from typing import Any


def render(settings: Any, template: str, recipient: str, language: str, **values: Any) -> Any: ...
