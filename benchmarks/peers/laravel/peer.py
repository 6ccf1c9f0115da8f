"""Laravel on our PostgreSQL database: Debian's framework with the little of an application that a list needs.

The application is Laravel's skeleton with an Eloquent model, an API resource and a controller, in the settings of
production: configuration, routes and the list of classes cached, opcache on and never looking at files again,
persistent connections, a static pool of php-fpm behind nginx. It checks less than we do: one fixed bearer token, and
the tenant is whichever `X-Tenant` names. It has neither Laravel's throttling nor its sessions.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from string import Template
from typing import Any

from tests.support.postgres import free_port

from benchmarks.measuring import INSTALL
from benchmarks.peers import Running
from benchmarks.servers import await_answer, started

NAME = "Laravel"
DATABASES: tuple[str, ...] = ("postgresql",)
OWN_COPY = False

PACKAGES = ("php-laravel-framework", "php8.2-cli", "php8.2-fpm", "php8.2-pgsql", "php8.2-opcache", "nginx-light")
CHILDREN_PER_WORKER = 4
"""While one waits for the database, others work."""
FRAMEWORK = Path("/usr/share/php/Illuminate/Foundation/Application.php")
HERE = Path(__file__).parent
PATH = "/api/customers"
TOKEN = "a fixed token of a benchmark guards nothing".replace(" ", "-")
USER = "www-data"


def install() -> None:
    """Install Debian's packages where they are missing. Raises `RuntimeError` if that fails."""
    if _is_installed():
        return
    try:
        subprocess.run([INSTALL, *PACKAGES], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"Laravel needs Debian 12's packages {' '.join(PACKAGES)}: {error}.") from None
    if not _is_installed():
        raise RuntimeError(f"Laravel is not complete, although {' '.join(PACKAGES)} are installed.")


def versions() -> str:
    """What is measured, and how it is set up."""
    code = (
        f"require 'Illuminate/autoload.php'; echo '{NAME} ', Illuminate\\Foundation\\Application::VERSION, ', PHP ', "
    )
    php = _output([_program("php8.2"), "-r", f"{code} PHP_VERSION;"])
    nginx = _output([_program("nginx"), "-v"]).rpartition("/")[2]
    return (
        f"{php} (php-fpm, static pool of {CHILDREN_PER_WORKER} for each worker, opcache without timestamps,"
        f" configuration, routes and classes cached, persistent connections, one fixed token), nginx {nginx}"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """The application on the database at `url`, deployed to `folder`."""
    port = free_port()
    home = folder / "laravel"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(HERE / "application", home / "application")
    with tempfile.TemporaryDirectory(prefix="regulars-laravel-") as short:
        # The path of a socket must be short, and that of the folder may not be.
        socket = Path(short) / "php-fpm.sock"
        values = {"port": port, "workers": workers, "children": CHILDREN_PER_WORKER * workers}
        _write_settings(home, values | {"socket": socket, "folder": home})
        _give_away(Path(short), home)
        _cache_settings(home, url)
        fpm = ["--nodaemonize", "--php-ini", home / "php.ini", "--fpm-config", home / "php-fpm.conf"]
        nginx = ["-p", home, "-e", home / "nginx.log", "-c", home / "nginx.conf"]
        with _process("php-fpm8.2", fpm, home), _process("nginx", nginx, home) as process:
            # nginx answers 502 as long as php-fpm does not.
            await_answer(process, port, home / "nginx.log", PATH, _headers(1))
            yield Running(f"127.0.0.1:{port}", lambda _tenant_id: PATH, _headers, _page)


def _headers(tenant_id: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "X-Tenant": str(tenant_id), "Accept": "application/json"}


def _page(answer: Any) -> tuple[list[Any], int]:
    return answer["data"], answer["meta"]["total"]


def _is_installed() -> bool:
    programs = all(shutil.which(name, path=_search_path()) for name in ("php8.2", "php-fpm8.2", "nginx"))
    if not (programs and FRAMEWORK.exists()):
        return False
    modules = _output([_program("php8.2"), "-m"]).splitlines()
    return {"pdo_pgsql", "Zend OPcache"} <= set(modules)


def _write_settings(home: Path, values: dict[str, object]) -> None:
    for name in ("nginx.conf", "php-fpm.conf", "php.ini"):
        (home / name).write_text(Template((HERE / name).read_text()).substitute(values))
    for name in ("bootstrap/cache", "storage/logs", "storage/framework/cache/data", "storage/framework/views"):
        (home / "application" / name).mkdir(parents=True)


def _give_away(*folders: Path) -> None:
    """As root, let Debian's user for web servers have `folders`: it is who runs them."""
    user = _ordinary_user()
    if user is None:
        return
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user, user)


def _cache_settings(home: Path, url: str) -> None:
    """What Laravel's documentation advises for production."""
    for command in (["bootstrap/optimize.php"], ["artisan", "config:cache"], ["artisan", "route:cache"]):
        done = subprocess.run(
            [_program("php8.2"), *command],
            cwd=home / "application",
            env=_environment() | {"DATABASE_URL": url, "API_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=_ordinary_user(),
            group=_ordinary_user(),
        )
        if done.returncode:
            raise RuntimeError(f"php {' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _process(
    program: str, arguments: Sequence[object], home: Path
) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    log = home / f"{program}-output.log"
    return started([_program(program), *arguments], log, _environment(), _ordinary_user())


def _ordinary_user() -> str | None:
    return USER if os.getuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": _search_path(), "LC_ALL": "C.UTF-8"}


def _search_path() -> str:
    # Debian's servers are where an ordinary user's shell does not look.
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])


def _program(name: str) -> str:
    found = shutil.which(name, path=_search_path())
    if found is None:
        raise RuntimeError(f"{name} is not installed.")
    return found


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()
