"""Identity numbers whose digits can be checked."""

import re

DIGITS = re.compile(r"[1-9][0-9]{10}", re.ASCII)


def turkish_fault(number: str) -> str | None:
    """What is wrong with a Turkish identity number (T.C. Kimlik No), if anything: 11 digits, of which the last two
    follow from the others."""
    if not DIGITS.fullmatch(number):
        return "A Turkish identity number has 11 digits, and does not begin with 0."
    digits = [int(digit) for digit in number]
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    if digits[9] != tenth or digits[10] != sum(digits[:10]) % 10:
        return "The digits of this Turkish identity number do not fit together: one of them may be mistyped."
    return None
