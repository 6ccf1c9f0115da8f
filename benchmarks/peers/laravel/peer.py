"""Laravel on the same PostgreSQL database: Debian's package of the framework, and a minimal application.

The application is Laravel's skeleton with an Eloquent model, an API resource and a controller. It has production
settings: cached configuration, routes and class map, opcache without file checks, persistent connections, and a static
php-fpm pool behind nginx. It checks less than Regulars: one fixed bearer token, and `X-Tenant` selects the tenant. It
uses neither Laravel's throttling nor its sessions.
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

from benchmarks.measuring import INSTALL_SCRIPT
from benchmarks.peers import Running
from benchmarks.servers import running_process, wait_until_ready

NAME = "Laravel"
DATABASES: tuple[str, ...] = ("postgresql",)
OWN_COPY = False

PACKAGES = ("php-laravel-framework", "php8.2-cli", "php8.2-fpm", "php8.2-pgsql", "php8.2-opcache", "nginx-light")
CHILDREN_PER_WORKER = 4
"""php-fpm processes per worker, so that others can run while one waits for the database."""
FRAMEWORK_FILE = Path("/usr/share/php/Illuminate/Foundation/Application.php")
HERE = Path(__file__).parent
PATH = "/api/customers"
TOKEN = "fixed-benchmark-token"
WEB_USER = "www-data"


def install() -> None:
    """Install Debian's packages if they are missing. Raise `RuntimeError` if that fails."""
    if _is_installed():
        return
    try:
        subprocess.run([INSTALL_SCRIPT, *PACKAGES], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"Laravel needs the Debian 12 packages {' '.join(PACKAGES)}: {error}.") from None
    if not _is_installed():
        raise RuntimeError(f"Laravel is incomplete although {' '.join(PACKAGES)} are installed.")


def versions() -> str:
    """Return the versions and the configuration, for the report."""
    code = (
        f"require 'Illuminate/autoload.php'; echo '{NAME} ', Illuminate\\Foundation\\Application::VERSION, ', PHP ', "
    )
    php = _output([_program("php8.2"), "-r", f"{code} PHP_VERSION;"])
    nginx = _output([_program("nginx"), "-v"]).rpartition("/")[2]
    return (
        f"{php} (php-fpm, static pool of {CHILDREN_PER_WORKER} processes per worker, opcache without file checks,"
        f" cached configuration, routes and class map, persistent connections, one fixed token), nginx {nginx}"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """Deploy the application to `folder` and run it on the database at `url`."""
    port = free_port()
    home = folder / "laravel"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(HERE / "application", home / "application")
    with tempfile.TemporaryDirectory(prefix="regulars-laravel-") as socket_folder:
        # The length of a socket path is limited, and the path of `folder` may be too long.
        socket = Path(socket_folder) / "php-fpm.sock"
        values = {"port": port, "workers": workers, "children": CHILDREN_PER_WORKER * workers}
        _write_settings(home, values | {"socket": socket, "folder": home})
        _give_to_web_user(Path(socket_folder), home)
        _cache_settings(home, url)
        fpm = ["--nodaemonize", "--php-ini", home / "php.ini", "--fpm-config", home / "php-fpm.conf"]
        nginx = ["-p", home, "-e", home / "nginx.log", "-c", home / "nginx.conf"]
        with _process("php-fpm8.2", fpm, home), _process("nginx", nginx, home) as process:
            # nginx returns 502 until php-fpm has started.
            wait_until_ready(process, port, home / "nginx.log", PATH, _headers(1))
            yield Running(f"127.0.0.1:{port}", lambda _tenant_id: PATH, _headers, _page)


def _headers(tenant_id: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "X-Tenant": str(tenant_id), "Accept": "application/json"}


def _page(response: Any) -> tuple[list[Any], int]:
    return response["data"], response["meta"]["total"]


def _is_installed() -> bool:
    programs = all(shutil.which(name, path=_search_path()) for name in ("php8.2", "php-fpm8.2", "nginx"))
    if not (programs and FRAMEWORK_FILE.exists()):
        return False
    modules = _output([_program("php8.2"), "-m"]).splitlines()
    return {"pdo_pgsql", "Zend OPcache"} <= set(modules)


def _write_settings(home: Path, values: dict[str, object]) -> None:
    for name in ("nginx.conf", "php-fpm.conf", "php.ini"):
        (home / name).write_text(Template((HERE / name).read_text()).substitute(values))
    for name in ("bootstrap/cache", "storage/logs", "storage/framework/cache/data", "storage/framework/views"):
        (home / "application" / name).mkdir(parents=True)


def _give_to_web_user(*folders: Path) -> None:
    """If run as root, make Debian's web server user, which runs the servers, the owner of `folders`."""
    user = _server_user()
    if user is None:
        return
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user, user)


def _cache_settings(home: Path, url: str) -> None:
    """Cache classes, configuration and routes, as Laravel's documentation recommends for production."""
    for command in (["bootstrap/optimize.php"], ["artisan", "config:cache"], ["artisan", "route:cache"]):
        done = subprocess.run(
            [_program("php8.2"), *command],
            cwd=home / "application",
            env=_environment() | {"DATABASE_URL": url, "API_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=_server_user(),
            group=_server_user(),
        )
        if done.returncode:
            raise RuntimeError(f"php {' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _process(
    program: str, arguments: Sequence[object], home: Path
) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    log = home / f"{program}-output.log"
    return running_process([_program(program), *arguments], log, _environment(), _server_user())


def _server_user() -> str | None:
    return WEB_USER if os.getuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": _search_path(), "LC_ALL": "C.UTF-8"}


def _search_path() -> str:
    # Debian installs servers in a folder that is not in an ordinary user's PATH.
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])


def _program(name: str) -> str:
    found = shutil.which(name, path=_search_path())
    if found is None:
        raise RuntimeError(f"{name} is not installed.")
    return found


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()
