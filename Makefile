# The one entry for people. Needs Python 3.11 or newer as `python3` (or PYTHON=...), and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo serve test check sim bench docs pins clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' Makefile

demo: .venv/.run ## the day of a district bureau, told in the terminal (REGISTER= MAPPING= EVENHAND_LANG=zh)
	$(BIN)/evenhand demo $(foreach one,$(REGISTER),--register "$(one)") $(if $(MAPPING),--mapping "$(MAPPING)")

serve: .venv/.run ## a server left running on the demo's data, to look at
	@test -e demo/evenhand.db || $(MAKE) --no-print-directory demo
	@$(BIN)/python -c 'from cli.demo.bureau import PASSWORD as p; print(f"Log in: EVENHAND_SERVER=http://127.0.0.1:8000 $(BIN)/evenhand office login admin (or supervisor, reviewer), password: {p}")'
	EVENHAND_DATABASE_URL=sqlite:///demo/evenhand.db EVENHAND_DATA_DIR=demo/evidence $(BIN)/evenhand server serve

test: .venv/.dev ## every test, on SQLite and on PostgreSQL
	$(BIN)/pytest -n 2 --dist worksteal

check: .venv/.dev ## format, lint, types twice, import contracts, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/basedpyright sync backend cli docs
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

sim: .venv/.dev ## the simulator: 100,000 worlds on all cores (SEEDS=20000, SEED=7 for one, MUTANTS=1)
	PYTHONPATH=tests $(BIN)/python -m simulation $(if $(MUTANTS),mutants,$(if $(SEED),seed $(SEED),$(SEEDS)))

bench: .venv/.dev ## measure, and print tables (see bench/README.md)
	for script in bench/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

docs: .venv/.dev ## write the generated pages of docs/reference again
	$(BIN)/python docs/generate.py

pins: ## for maintainers, with uv: renew requirements/ from pyproject.toml
	$(COMPILE) --extra server --extra print --extra heif -o requirements/runtime.txt pyproject.toml
	$(COMPILE) --extra server --extra print --extra heif --group dev -o requirements/dev.txt pyproject.toml
	printf 'editables\nhatchling\n' | $(COMPILE) -c requirements/dev.txt -o requirements/build.txt -

clean: ## forget the environment, the caches and the demo's data
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist demo

# The stamps make the second run install nothing. Build tools are pinned too: pip would otherwise
# fetch the newest ones, unchecked, to build the project itself.
.venv/.run: requirements/build.txt requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, e.g. make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
