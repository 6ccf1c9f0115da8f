"""Static files: style sheet, scripts and icons, at URLs that contain a digest of them all."""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

import falcon
import msgspec
from babel.messages.extract import extract

from regulars.http.compression import StaticBody
from regulars.i18n import ENGLISH, LANGUAGES, translate

FOLDER = Path(__file__).with_name("assets")
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
STYLE_SHEET = "console.css"
WORDS = "lib/words.js"
DIGEST = re.compile(r"[0-9a-f]{12}")
IMPORT = re.compile(r'\b(?:from|import)\s*"(\.{1,2}/[^"]+)"')


class Assets:
    """The files of a folder, as they are served.

    All style sheets are joined into one, `console.css`: first the file of that name, then the others in the order of
    their paths. `words/tr.js` and other modules of translations are generated. `digest` changes if any file changes.
    """

    def __init__(self, folder: Path) -> None:
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.suffix in CONTENT_TYPES
        }
        scripts = {name: content for name, content in files.items() if name.endswith(".js")}
        served = _join_sheets(files) | _words_modules(scripts.values())
        self.bodies = {name: StaticBody(content) for name, content in served.items()}
        self.digest = _digest(served)
        self._imports = {name: _imports(name, content.decode()) for name, content in scripts.items()}

    def path(self, name: str) -> str:
        """Return the path of a file in this service. Raise `KeyError` if there is no such file."""
        if name not in self.bodies:
            raise KeyError(name)
        return f"/assets/{self.digest}/{name}"

    def preloads(self, name: str, language: str) -> list[str]:
        """Return the paths of all modules that a module imports, directly or indirectly, for a page in `language`.

        A browser that knows them from the page loads them at the same time.
        """
        found = {name: None}
        waiting = [name]
        while waiting:
            new = [each for each in self._imports[waiting.pop(0)] if each not in found]
            found |= dict.fromkeys(new)
            waiting += new
        translations = [_words_path(language)] if WORDS in found and language != ENGLISH else []
        return [self.path(each) for each in [*found, *translations] if each != name]


class Asset:
    """`/assets/{digest}/{path}`"""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets

    def on_get(self, request: falcon.Request, response: falcon.Response, digest: str, path: str) -> None:
        """Send the file.

        A page that was loaded before an upgrade has another digest. It gets the current file, which must not be cached.
        """
        body = self.assets.bodies.get(path)
        if body is None or not DIGEST.fullmatch(digest):
            raise falcon.HTTPNotFound
        is_current = digest == self.assets.digest
        response.content_type = CONTENT_TYPES[_suffix(path)]
        response.set_header("Cache-Control", "public, max-age=31536000, immutable" if is_current else "no-cache")
        body.send(request, response)


@cache
def load_assets() -> Assets:
    """Return the files of the console, which are read once."""
    return Assets(FOLDER)


def asset_routes(assets: Assets) -> list[tuple[str, object]]:
    """Return the route of all files."""
    return [("/assets/{digest}/{path:path}", Asset(assets))]


def _suffix(name: str) -> str:
    return posixpath.splitext(name)[1]


def _join_sheets(files: Mapping[str, bytes]) -> dict[str, bytes]:
    sheets = sorted((name for name in files if name.endswith(".css")), key=lambda name: (name != STYLE_SHEET, name))
    others = {name: content for name, content in files.items() if name not in sheets}
    return {**others, STYLE_SHEET: b"\n".join(files[name] for name in sheets)}


def _digest(files: Mapping[str, bytes]) -> str:
    content = b"".join(hashlib.sha256(part).digest() for name in sorted(files) for part in (name.encode(), files[name]))
    return hashlib.sha256(content).hexdigest()[:12]


def _imports(name: str, script: str) -> list[str]:
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in IMPORT.findall(script)]


def _words_path(language: str) -> str:
    return f"words/{language}.js"


def _words_modules(scripts: Iterable[bytes]) -> dict[str, bytes]:
    """Return a module for each language but English, with the translations of the messages in `scripts`."""
    messages = sorted(
        {str(found[1]) for script in scripts for found in extract("javascript", BytesIO(script), keywords={"_": None})}
    )
    return {
        _words_path(language): b"export default "
        + msgspec.json.encode({message: translate(message, language) for message in messages})
        + b";\n"
        for language in LANGUAGES
        if language != ENGLISH
    }
