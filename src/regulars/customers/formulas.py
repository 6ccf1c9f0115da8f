"""Cells of CSV files that a spreadsheet would run as formulas."""

import re

# Cells that a spreadsheet would run as a formula (OWASP, "CSV Injection"). A leading apostrophe marks a cell as text.
# Numbers and phone numbers are harmless and stay as they are. Spreadsheets in Japanese and Chinese also take the
# full-width forms of the signs as the start of a formula.
FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
ESCAPED_FORMULA = re.compile(r"'+[=+\-@\t\r＝＋－＠]")
NUMBER = re.compile(r"[+-]?[0-9 ]+", re.ASCII)


def escape_formula(cell: str) -> str:
    """Return the cell with an apostrophe in front if a spreadsheet would run it as a formula."""
    return "'" + cell if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the original of a cell that `escape_formula` returned: remove the apostrophe that it added."""
    return cell[1:] if ESCAPED_FORMULA.match(cell) else cell
