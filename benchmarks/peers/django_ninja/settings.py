"""Production settings from Django's deployment checklist. Secrets and the database come from the environment."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

PACKAGE = __name__.rpartition(".")[0]


def database(url: str) -> dict[str, Any]:
    """Return Django's database settings for `url`, with a persistent connection per thread."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # SQLite is faster with these settings; Regulars uses them too.
        pragmas = ("cache_size = -8000", "mmap_size = 1073741824", "temp_store = MEMORY")
        options = {"init_command": ";".join(f"PRAGMA {pragma}" for pragma in pragmas)}
        name = unquote(parts.path.removeprefix("/"))
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "CONN_MAX_AGE": None, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "CONN_MAX_AGE": None,
    }


DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
API_TOKEN = os.environ["API_TOKEN"]
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
INSTALLED_APPS = [PACKAGE]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = f"{PACKAGE}.api"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
