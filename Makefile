# Everything that people do here. 'make help' tells.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/sh

.PHONY: help demo test lint bench lock clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: .venv/runtime ## set up all that is needed, and serve a directory with people in it
	$(BIN)/regulars demo $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(PORT),--port $(PORT))

test: .venv/dev postgresql pgbouncer chromium ## set up all that is needed, and pass the tests on SQLite and PostgreSQL
	$(BIN)/python -m pytest $(TESTS)

lint: .venv/dev ## formatting, lint, types, the floors of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev postgresql ## measure on both databases, beside the limits and what others use, and write docs/performance.md
	$(BIN)/python -m benchmarks.bench $(or $(BENCH),--write docs/performance.md)

lock: .venv/dev ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.txt
	uv pip compile requirements-bench.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-bench.txt

clean: ## throw away what can be made again
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The environment is made without its own pip, which needs a package that Debian leaves out: ours installs into it.
.venv/bin/python:
	$(PYTHON) -m venv --without-pip .venv

.venv/runtime: .venv/bin/python requirements.txt pyproject.toml
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.txt
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The tests start a PostgreSQL of their own; its programs come from Debian's package.
.PHONY: postgresql
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || scripts/install-debian postgresql

# Some of the tests go through PgBouncer, from Debian's package too.
.PHONY: pgbouncer
pgbouncer:
	@ls /usr/sbin/pgbouncer >/dev/null 2>&1 || scripts/install-debian pgbouncer

# The tests of the pages drive Debian's Chromium.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 || scripts/install-debian chromium
