"""Detection of the encoding of text files."""

from pathlib import Path

import pytest

from regulars.customers.imports.text_encoding import BLOCK_SIZE, ENCODINGS, find_encoding
from regulars.errors import Malformed

TURKISH = "ad;soyad\nAyşe;Yıldız\nİbrahim;Özgür\n"
NAMES = {
    "windows-1254": [
        TURKISH,
        "ad;soyad\nÇağla;Doğan\n",
        "ad;il\nElif;Şanlıurfa\n",
        "ad;il\nGüneş;Kütahya\nHâle;Iğdır\n",
    ],
    "windows-1252": [
        "vorname;name;ort\nJürgen;Groß;München\nKäthe;Löwe;Düsseldorf\n",
        "prénom;nom\nHélène;Lefèvre\nFrançois;Lévêque\n",
        "prénom;nom\nLætitia;Cœur\nAnaïs;Béranger\nGaël;Château\n",
        "nombre;apellido\nÍñigo;Muñoz\n",
    ],
    "windows-1250": ["imię;nazwisko\nŁukasz;Wiśniewski\n", "imię;miasto\nMałgorzata;Łódź\nGrażyna;Poznań\n"],
}
LEGACY_TEXTS = [(encoding, text) for encoding, texts in NAMES.items() for text in texts]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("encoding", "text"), LEGACY_TEXTS)
def test_names_are_read_as_their_language_writes_them(tmp_path: Path, encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert content.decode(find_encoding(write(tmp_path, content))) == text


@pytest.mark.parametrize("text", [text for _encoding, text in LEGACY_TEXTS])
@pytest.mark.parametrize(("codec", "expected"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16")])
def test_unicode_is_recognised(tmp_path: Path, text: str, codec: str, expected: str) -> None:
    assert find_encoding(write(tmp_path, text.encode(codec))) == expected


def test_big_endian_utf_16_is_recognised(tmp_path: Path) -> None:
    assert find_encoding(write(tmp_path, ("\ufeff" + TURKISH).encode("utf-16-be"))) == "utf-16"


def test_a_character_across_blocks_is_one_character(tmp_path: Path) -> None:
    content = b"a" * (BLOCK_SIZE - 1) + "ş".encode()
    assert find_encoding(write(tmp_path, content)) == "utf-8"


def test_a_letter_at_the_end_of_a_large_file_decides(tmp_path: Path) -> None:
    content = b"a\n" * BLOCK_SIZE + "Ayşe".encode("windows-1254")
    assert find_encoding(write(tmp_path, content)) == "windows-1254"


def test_iso_8859_9_reads_as_windows_1254(tmp_path: Path) -> None:
    assert TURKISH.encode("iso-8859-9").decode(find_encoding(write(tmp_path, TURKISH.encode("iso-8859-9")))) == TURKISH


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_chosen_encoding_is_used(tmp_path: Path, encoding: str) -> None:
    assert find_encoding(write(tmp_path, "ad;ö".encode(encoding)), encoding) == encoding


@pytest.mark.parametrize(
    ("content", "chosen", "message"),
    [
        ("öğü\nç\n".encode() + b"\xff", None, "Line 3 of the file is not text in the encoding utf-8."),
        (b"a\n\x81", "windows-1254", "Line 2 of the file is not text in the encoding windows-1254."),
        (b"ad;soyad\nx\0;y", None, "Line 2 of the file contains a NUL character, so it is not a text file."),
        (b"ad", "utf-16", "The file is not UTF-16 text, because it has no byte order mark."),
        (b"\xff\xfea\0\n\0b", None, "Line 2 of the file is not text in the encoding utf-16."),
        (
            b"ad",
            "koi8-r",
            "The encoding must be one of utf-8, utf-16, windows-1254, windows-1252, windows-1250, iso-8859-9, "
            'not "koi8-r".',
        ),
    ],
)
def test_text_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, chosen: str | None, message: str) -> None:
    with pytest.raises(Malformed) as raised:
        find_encoding(write(tmp_path, content), chosen)
    assert str(raised.value) == message
