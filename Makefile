# Muster. `make` alone prints what can be done here.

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.made-from-the-lock
PYTHON  ?=
WORKERS ?= 2
ARGS    ?=
SOURCES := shared services deploy tests docs/example_driver

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all check format bench lock docs services migrations-check clients clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything in it (needs Python >= 3.11; PYTHON=/path chooses one)

$(STAMP): requirements.lock pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh
	@touch $@

run: $(STAMP) ## start Muster in one process with a demo company in it; data in .muster
	@$(BIN)/muster up --demo --data .muster $(ARGS)

test: $(STAMP) ## run the tests (ARGS="tests/deploy -k name" narrows them, WORKERS=1 runs them in turn)
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not long" $(ARGS)

test-all: $(STAMP) ## run the tests that take minutes each, too
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(STAMP) ## formatting, lint, types, import rules, migrations and generated docs
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.migrations_in_step
	$(BIN)/python -m deploy.docs --check

format: $(STAMP) ## format the code and mend what lint can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(STAMP) ## measure, each as a rate and as a ratio to the plain operation
	@$(BIN)/python -m tests.benchmarks $(ARGS)

docs: $(STAMP) ## write the generated docs again (AsyncAPI, OpenAPI), and the kept schemas of events
	$(BIN)/python -m tests.contracts.schemas
	$(BIN)/python -m deploy.docs

migrations-check: $(STAMP) ## compare every service's tables with a freshly migrated database
	$(BIN)/python -m tests.migrations_in_step

clients: $(STAMP) ## install the clients of npm that tests try our simulators with (needs Node; tests do it by themselves)
	@$(BIN)/python -m tests.clients.installed

services: ## install PostgreSQL, RabbitMQ and Mosquitto for the tests (root, Debian or Ubuntu; says what to do elsewhere)
	@sh deploy/services.sh

# The lock serves every platform and names no registry: whoever installs says where from.
lock: ## pin every dependency with its hashes again, after a change of pyproject.toml (needs uv)
	@command -v uv >/dev/null || test -x $(BIN)/uv || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet -o requirements.lock
	@! grep -nE '://|--(extra-)?index-url|--find-links| @ ' requirements.lock || { echo "requirements.lock names a host or a path; see above" >&2; exit 1; }

clean: ## remove caches and build leftovers (never .venv, never data)
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
