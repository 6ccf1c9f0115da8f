"""Detection of the encoding of text files.

Files that are not Unicode are in an encoding of Windows for Turkish, Western European or Polish. The letters of these
languages decide: only in the right encoding are nearly all bytes beyond ASCII letters that its languages use.
"""

import codecs
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from regulars.errors import Malformed
from regulars.i18n import _
from regulars.validation import quote

UTF_8 = "utf-8"
UTF_16 = "utf-16"
ENCODINGS = (UTF_8, UTF_16, "windows-1254", "windows-1252", "windows-1250", "iso-8859-9")
# In this order, because Turkish is the likeliest if the letters fit several encodings equally well.
LETTERS = {
    "windows-1254": "çğıöşüâîûÇĞİÖŞÜÂÎÛ",
    "windows-1252": "äöüßàâçéèêëîïôùûáíóúñœæÿÄÖÜÀÂÇÉÈÊËÎÏÔÙÛÁÍÓÚÑŒÆŸ",
    "windows-1250": "ąćęłńóśźżäöüéáčďěíňřšťúůýžĄĆĘŁŃÓŚŹŻÄÖÜÉÁČĎĚÍŇŘŠŤÚŮÝŽ",
}
BLOCK_SIZE = 2**20
ASCII = bytes(range(128))


def find_encoding(path: Path, chosen: str | None = None) -> str:
    """Return the encoding of a text file, and check that all of it can be read in this encoding.

    Raise `Malformed` if it cannot, or if the file contains NUL characters.
    """
    encoding = _check_known(chosen, path) if chosen is not None else _detect(path)
    line = _first_undecodable_line(path, encoding)
    if line is not None:
        message = _("Line {line} of the file is not text in the encoding {encoding}.", line=line, encoding=encoding)
        raise Malformed(message)
    return encoding


def _detect(path: Path) -> str:
    if _has_utf_16_mark(path):
        return UTF_16
    if _first_undecodable_line(path, UTF_8) is None or _is_mostly_utf_8(path):
        return UTF_8
    return _guess_by_letters(path)


def open_text(path: Path, encoding: str) -> TextIOWrapper:
    """Open a text file without its byte order mark and with its line ends unchanged."""
    return path.open(encoding=_codec(encoding), newline="")


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == UTF_8 else encoding


def _check_known(encoding: str, path: Path) -> str:
    if encoding not in ENCODINGS:
        names = ", ".join(ENCODINGS)
        raise Malformed(_("The encoding must be one of {names}, not {value}.", names=names, value=quote(encoding)))
    if encoding == UTF_16 and not _has_utf_16_mark(path):
        raise Malformed(_("The file is not UTF-16 text, because it has no byte order mark."))
    return encoding


def _has_utf_16_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_SIZE):
            yield block
    yield b""


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    for block in _blocks(path):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].decode(encoding, "ignore").count("\n")
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise Malformed(_("Line {line} of the file contains a NUL character, so it is not a text file.", line=line))
        line += text.count("\n")
    return None


def _is_mostly_utf_8(path: Path) -> bool:
    """Return whether most characters beyond ASCII are valid, so that the rest is damage."""
    decoder = codecs.getincrementaldecoder(UTF_8)("replace")
    valid = invalid = 0
    for block in _blocks(path):
        text = decoder.decode(block, final=not block)
        replaced = text.count("\N{REPLACEMENT CHARACTER}")
        invalid += replaced
        valid += len(text) - len(text.encode("ascii", "ignore")) - replaced
    return valid > invalid


def _guess_by_letters(path: Path) -> str:
    counts: Counter[int] = Counter()
    for block in _blocks(path):
        counts.update(block.translate(None, ASCII))
    return max(LETTERS, key=lambda encoding: sum(counts[byte] for byte in LETTERS[encoding].encode(encoding)))
