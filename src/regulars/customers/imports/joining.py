"""Values that several columns of a row have together: names and addresses."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from regulars.customers.imports.headings import (
    ADDRESS_CITY,
    ADDRESS_PARTS,
    ADDRESS_POSTAL_CODE,
    ADDRESS_REGION,
    ADDRESS_STREET,
    FULL_NAME,
    MIDDLE_NAME,
    REVERSED_NAME,
    WORD,
)
from regulars.customers.imports.names import SplitName, split_name, split_reversed_name
from regulars.text import fold, fold_uncached

SPLIT_NAMES: Mapping[str, Callable[[str, str], SplitName]] = {FULL_NAME: split_name, REVERSED_NAME: split_reversed_name}


def join_names(values: dict[str, Any], country: str) -> None:
    """Replace a middle name and a full name by what they add to the first and the last name of a row."""
    full_names = [(values.pop(target), split) for target, split in SPLIT_NAMES.items() if target in values]
    middle_name = values.pop(MIDDLE_NAME, "")
    if middle_name and ("first_name" in values or not full_names):
        values["first_name"] = f"{values.get('first_name', '')} {middle_name}".strip()
    for full_name, split in full_names:
        values.update(missing_names(values, full_name, split(full_name, country)))


def missing_names(values: Mapping[str, str], full_name: str, found: SplitName) -> dict[str, str]:
    """Return the parts of a full name for which a row has no value in other columns.

    `found` are its parts as far as the name itself tells them.
    """
    first, last = values.get("first_name", ""), values.get("last_name", "")
    if first:
        rest = full_name[len(first) :].strip() if fold_uncached(full_name).startswith(fold(first)) else ""
        return {"last_name": rest} if rest and not last else {}
    if last and fold_uncached(full_name).endswith(fold(last)):
        return {"first_name": full_name[: -len(last)].strip() or full_name}
    return {name: part for name, part in (("first_name", found.first), ("last_name", found.last)) if part}


def join_address(values: dict[str, Any]) -> None:
    """Replace the parts of an address by the address: the street, then a line with postal code, city and region.

    An address in one column stays as it is if the row has a street as well, and else is completed by the other parts.
    """
    parts = {part: values.pop(part, "") for part in ADDRESS_PARTS}
    if "address" in values and parts[ADDRESS_STREET]:
        return
    start = values.get("address") or parts[ADDRESS_STREET]
    town = ", ".join(_missing_parts(start, [parts[ADDRESS_CITY], parts[ADDRESS_REGION]]))
    place = " ".join([*_missing_parts(start, [parts[ADDRESS_POSTAL_CODE]]), town]).strip()
    if lines := [line for line in (start, place) if line]:
        values["address"] = "\n".join(lines)


def _missing_parts(text: str, parts: Iterable[str]) -> list[str]:
    """Return the parts of an address that are neither in the text nor the same as a part before."""
    found: list[str] = []
    for part in parts:
        if part and not _has_words(" ".join([text, *found]), part):
            found.append(part)
    return found


def _has_words(text: str, words: str) -> bool:
    """Tell whether a text has words in this order, regardless of letter case and accents."""
    return f" {_plain_words(words)} " in f" {_plain_words(text)} "


def _plain_words(text: str) -> str:
    return " ".join(WORD.findall(fold_uncached(text)))
