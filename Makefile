# Development tasks. Run 'make help' for a list.
PYTHON ?= python3
BIN := .venv/bin
SCRIPTS := src/regulars/console/assets
SHELL := /bin/sh

.PHONY: help demo check test lint bench mutants messages screenshots lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: .venv/demo ## install everything and serve a demo directory with generated customers
	$(BIN)/regulars demo $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(PORT),--port $(PORT))

check: lint ## run the linters and the quick tests on SQLite
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not slow and not browser and not postgresql'

test: .venv/dev postgresql pgbouncer chromium ## install everything and run all tests on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n $$((2 * $$(nproc))) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: .venv/dev typescript ## check formatting, lint rules, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/oxfmt --check '$(SCRIPTS)/**/*.js'
	$(BIN)/oxlint --deny-warnings $(SCRIPTS)
	tsc

bench: .venv/dev postgresql chromium ## run the benchmark on both databases and update docs/performance.md
	$(BIN)/python -m benchmarks.bench $(or $(BENCH),--write docs/performance.md)

# Each mutation changes one operator or constant in the file PATHS, and is restored after the tests TESTS.
PATHS ?= src/regulars/customers/write/merge.py
MUTANT_TESTS := $(BIN)/python -m pytest -q -x -p no:cacheprovider -m 'not slow and not browser and not postgresql' $(or $(TESTS),tests/customers/test_merge.py)
mutants: .venv/dev .venv-mutants/installed ## change the code in PATHS in many ways, and report which changes TESTS do not notice
	@mkdir -p build && rm -f build/mutants.sqlite
	@printf '[cosmic-ray]\nmodule-path = "%s"\ntimeout = 120.0\nexcluded-modules = []\ntest-command = "%s"\n[cosmic-ray.distributor]\nname = "local"\n' "$(PATHS)" "$(MUTANT_TESTS)" > build/mutants.toml
	.venv-mutants/bin/cosmic-ray init build/mutants.toml build/mutants.sqlite
	.venv-mutants/bin/cosmic-ray exec build/mutants.toml build/mutants.sqlite
	.venv-mutants/bin/cr-report build/mutants.sqlite --show-diff --surviving-only

messages: .venv/dev ## update the catalogue of translations from the source
	mkdir -p build && $(BIN)/pybabel extract --no-default-keywords -k _ -F pyproject.toml --omit-header --sort-output --no-location -o build/messages.pot .
	$(BIN)/pybabel update -l tr -i build/messages.pot -o src/regulars/locale/tr.po --no-fuzzy-matching --ignore-obsolete --omit-header --width 1000

screenshots: .venv/dev chromium ## take the screenshots in docs/console from a demo
	$(BIN)/python -m scripts.screenshots

lock: .venv/dev ## update the locked dependencies (needs uv)
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt
	uv pip compile pyproject.toml --extra demo --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-demo.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.txt
	uv pip compile requirements-bench.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-bench.txt
	uv pip compile requirements-mutants.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-mutants.txt

clean: ## delete generated files
	rm -rf build .venv .venv-bench .venv-mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

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

.venv-mutants/installed: requirements-mutants.txt
	$(PYTHON) -m venv --without-pip .venv-mutants
	$(PYTHON) -m pip --python .venv-mutants/bin/python install --quiet --disable-pip-version-check --require-hashes -r requirements-mutants.txt
	@touch $@

# TypeScript's compiler checks the types of the console's scripts.
.PHONY: typescript
typescript:
	@command -v tsc >/dev/null 2>&1 || scripts/install-debian node-typescript

# The tests start their own PostgreSQL server, from Debian's package.
.PHONY: postgresql
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || scripts/install-debian postgresql

# Some tests connect through PgBouncer, from Debian's package.
.PHONY: pgbouncer
pgbouncer:
	@ls /usr/sbin/pgbouncer >/dev/null 2>&1 || scripts/install-debian pgbouncer

# The browser tests and the benchmark use Debian's Chromium.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 || scripts/install-debian chromium
