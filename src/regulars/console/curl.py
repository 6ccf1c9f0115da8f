"""Examples of requests as commands of curl."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from regulars.http.json_body import JSON
from regulars.http.openapi import MULTIPART

NEXT_LINE = " \\\n  "


def curl_command(
    method: str, url: str, parameters: Sequence[Mapping[str, Any]], media_type: str, body: str, *, saves_file: bool
) -> str:
    """Return the command that sends a request. It takes the access token and the tenant from the environment.

    `media_type` is empty without a body; `body` is JSON. With `saves_file`, the response is stored in a file.
    """
    names = {parameter["name"] for parameter in parameters}
    needs_method = method not in {"GET", "POST"} or (method == "POST" and not media_type)
    start = f"curl -X {method} " if needs_method else "curl "
    lines = [start + quoted(_address(url, parameters)), '-H "Authorization: Bearer $TOKEN"']
    if "X-Tenant" in names:
        lines.append('-H "X-Tenant: $TENANT"')
    if media_type == MULTIPART:
        lines.append("-F 'file=@customers.xlsx'")
    elif media_type:
        lines += [f"-H 'Content-Type: {JSON}'", f"-d {quoted(body)}"]
    if saves_file:
        lines.append("-OJ")
    return NEXT_LINE.join(lines)


def _address(url: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    """Return the URL with examples of the parameters that are required."""
    required = [parameter for parameter in parameters if parameter.get("required")]
    for parameter in required:
        url = url.replace("{" + parameter["name"] + "}", quote(str(parameter["example"])))
    query = {each["name"]: each["example"] for each in required if each["in"] == "query"}
    return f"{url}?{urlencode(query)}" if query else url


def quoted(text: str) -> str:
    """Return a text in single quotes for a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
