"""Static files of the console."""

import gzip
import json
import re
from pathlib import Path

import brotli
import pytest

from regulars.console.assets import Assets, load_assets
from tests.support.world import World

MODULES = {
    "console.css": "a { }",
    "another.css": "d { }",
    "components/table.css": "b { }",
    "components/cell.css": "c { }",
    "lib/words.js": 'export function _(text) { return text; }\nawait import("../words/tr.js");',
    "lib/api.js": 'import { _ } from "./words.js";\nexport const said = _("Sign in");',
    "components/table.js": 'import {\n  api,\n} from "../lib/api.js";\nexport * from "./cell.js";',
    "components/cell.js": 'import "./table.js";\nconst shown = [_("Passkeys"), _("{days} days", { days: 3 })];',
    "notes.md": "not served",
}


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    return assets_of(tmp_path, MODULES)


def assets_of(folder: Path, files: dict[str, str]) -> Assets:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return Assets(folder)


def test_files_are_cached_forever_at_a_url_that_changes_with_them(world: World) -> None:
    page = world.client.simulate_get("/sign-in", headers={"Accept": "text/html"}).text
    links = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert {Path(link).suffix for link in links} == {".css", ".js", ".svg", ".webmanifest"}
    for link in links:
        answer = world.client.simulate_get(link)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("theme", "colors"),
    [("", {"#ffffff": "light", "#131418": "dark"}), ("light", {"#ffffff": ""}), ("dark", {"#131418": ""})],
)
def test_the_window_has_the_colour_of_the_theme(world: World, theme: str, colors: dict[str, str]) -> None:
    headers = {"Accept": "text/html", "Cookie": f"regulars_theme={theme}"}
    page = world.client.simulate_get("/sign-in", headers=headers).text
    found = re.findall(r'name="theme-color" content="([^"]+)"(?: media="\(prefers-color-scheme: (\w+)\)")?', page)
    assert dict(found) == colors
    sheet = load_assets().bodies["console.css"].content.decode()
    assert "--paper: light-dark(#ffffff, #131418)" in sheet


def test_files_are_compressed_as_small_as_possible(world: World) -> None:
    path = load_assets().path("console.css")
    plain = world.client.simulate_get(path)
    assert plain.headers["Content-Type"] == "text/css; charset=utf-8"
    assert plain.headers["Vary"] == "Accept-Encoding"
    small = world.client.simulate_get(path, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert small.headers["Content-Encoding"] == "br"
    assert brotli.decompress(small.content) == plain.content
    old = world.client.simulate_get(path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(old.content) == plain.content
    assert len(small.content) < len(old.content) < len(plain.content) / 2


def test_a_page_from_before_an_upgrade_gets_the_current_files(world: World) -> None:
    current = world.client.simulate_get(load_assets().path("lib/words.js"))
    answer = world.client.simulate_get("/assets/0123456789ab/lib/words.js")
    assert (answer.status_code, answer.content) == (200, current.content)
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["{digest}/nothing.js", "{digest}/lib", "{digest}/../assets.py", "{digest}/", "wrong/console.css", "console.css"],
)
def test_other_paths_are_404(world: World, path: str) -> None:
    answer = world.client.simulate_get("/assets/" + path.format(digest=load_assets().digest))
    assert (answer.status_code, answer.json["error"]) == (404, "not_found")


def test_all_style_sheets_are_joined_into_one(assets: Assets) -> None:
    assert assets.bodies["console.css"].content == b"a { }\nd { }\nc { }\nb { }"
    assert not {"another.css", "components/table.css", "notes.md"} & set(assets.bodies)


def test_the_digest_changes_with_any_file_and_with_its_name(tmp_path: Path) -> None:
    first = assets_of(tmp_path, MODULES).digest
    assert Assets(tmp_path).digest == first
    changed = assets_of(tmp_path, {"components/cell.css": "c { color: red }"}).digest
    (tmp_path / "components/cell.js").rename(tmp_path / "components/cells.js")
    assert len({first, changed, Assets(tmp_path).digest}) == 3


def test_preloads_are_all_modules_that_a_module_imports(assets: Assets) -> None:
    def preloads(name: str, language: str = "en") -> list[str]:
        return [path.removeprefix(f"/assets/{assets.digest}/") for path in assets.preloads(name, language)]

    assert preloads("components/table.js") == ["lib/api.js", "components/cell.js", "lib/words.js"]
    assert preloads("lib/api.js", "tr") == ["lib/words.js", "words/tr.js"]
    assert preloads("lib/words.js") == []


def test_scripts_have_the_translations_of_their_own_messages_only(assets: Assets) -> None:
    module = assets.bodies["words/tr.js"].content.decode()
    translations = json.loads(module.removeprefix("export default ").removesuffix(";\n"))
    assert translations == {"Passkeys": "Geçiş anahtarları", "Sign in": "Giriş yap", "{days} days": "{days} gün"}


def test_every_module_that_a_script_imports_exists() -> None:
    assets = load_assets()
    for name in assets.bodies:
        if name.endswith(".js") and not name.startswith("words/"):
            assets.preloads(name, "tr")
