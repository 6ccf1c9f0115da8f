# Development tasks. Run 'make help' for a list.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/sh

.PHONY: help demo check test lint bench messages lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: .venv/demo ## install everything and serve a demo directory with generated customers
	$(BIN)/regulars demo $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(PORT),--port $(PORT))

check: lint ## run the linters and the quick tests on SQLite
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not slow and not browser and not postgresql'

test: .venv/dev postgresql pgbouncer chromium ## install everything and run all tests on SQLite and PostgreSQL
	$(BIN)/python -m pytest $(TESTS)

lint: .venv/dev ## check formatting, lint rules, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev postgresql ## run the benchmark on both databases and update docs/performance.md
	$(BIN)/python -m benchmarks.bench $(or $(BENCH),--write docs/performance.md)

messages: .venv/dev ## update the catalogue of translations from the source
	mkdir -p build && $(BIN)/pybabel extract --no-default-keywords -k _ -F pyproject.toml --omit-header --sort-output --no-location -o build/messages.pot .
	$(BIN)/pybabel update -l tr -i build/messages.pot -o src/regulars/locale/tr.po --no-fuzzy-matching --ignore-obsolete --omit-header --width 1000

lock: .venv/dev ## update the locked dependencies (needs uv)
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt
	uv pip compile pyproject.toml --extra demo --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-demo.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.txt
	uv pip compile requirements-bench.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-bench.txt

clean: ## delete generated files
	rm -rf build .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The environment has no pip of its own, because that needs a package that Debian does not install by default. The pip
# of $(PYTHON) installs into it.
.venv/bin/python:
	$(PYTHON) -m venv --without-pip .venv

.venv/runtime: .venv/bin/python requirements.txt pyproject.toml
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/demo: .venv/runtime requirements-demo.txt
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements-demo.txt
	@touch $@

.venv/dev: .venv/runtime requirements-dev.txt
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The tests start their own PostgreSQL server, from Debian's package.
.PHONY: postgresql
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || scripts/install-debian postgresql

# Some tests connect through PgBouncer, from Debian's package.
.PHONY: pgbouncer
pgbouncer:
	@ls /usr/sbin/pgbouncer >/dev/null 2>&1 || scripts/install-debian pgbouncer

# The browser tests use Debian's Chromium.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 || scripts/install-debian chromium
