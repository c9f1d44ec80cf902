# Everything a newcomer or a developer does with Tenon. `make` alone lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
OWN    := shared services/ingest services/matcher services/notifier deploy/local deploy/audit scenarios
MANIFESTS := $(OWN:=/pyproject.toml)
SOURCES := $(OWN) tests
JARS_LOCK := deploy/local/tenon_local/jars/jgo.lock.toml
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test chaos bench soak check format lint types imports generate generated-check supply \
	licences lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMPS)/packages $(STAMPS)/own .jgo/prepared ## Make .venv with the locked packages and fetch Kafka; instant when nothing changed

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Tenon needs Python 3.11 or newer; '$(PYTHON)' is not on PATH. Install it, or name one: make setup PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tenon needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make setup PYTHON=python3.12"; exit 1; }
	@echo "==> virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Making a virtual environment failed. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/packages: requirements/dev.txt requirements/scenario-data.txt | $(STAMPS)/venv
	@echo "==> locked packages"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --require-hashes --no-deps -r requirements/scenario-data.txt
	@touch $@

$(STAMPS)/own: $(MANIFESTS) $(STAMPS)/packages
	@echo "==> our own packages, editable"
	@$(PIP) install --no-build-isolation --no-deps $(addprefix -e ./,$(OWN))
	@touch $@

.jgo/prepared: $(JARS_LOCK) | $(STAMPS)/own
	@$(BIN)/python -m tenon_local prepare
	@touch $@

demo: setup ## The whole line on real input: report, build/demo.json, build/demo.html
	@$(BIN)/tenon demo $(ARGS)

up: setup ## Start Kafka, PostgreSQL and the services, and keep them running
	@$(BIN)/tenon up $(ARGS)

down: setup ## Stop what `make up` started
	@$(BIN)/tenon down $(ARGS)

test: setup ## All tests, on the same kind of stack (ARGS="-k name" for some)
	@$(BIN)/python -m pytest $(ARGS)

chaos: setup ## All faults under load, within 30 minutes; build/chaos.json (ARGS="-k name", CHAOS_SEED=… repeats)
	@$(BIN)/python -m pytest tests/chaos $(ARGS)

bench: setup ## What the line and each part can do, beside bare ones; build/bench.json (ARGS="--only ingest --runs 3")
	@$(BIN)/python -m tests.bench $(ARGS)

soak: setup ## A steady load, 30 minutes long: does anything grow? build/soak.json (ARGS="--minutes 5")
	@$(BIN)/python -m tests.soak $(ARGS)

check: setup lint types imports generated-check supply ## Format, lint, types, imports, generated files, packages

lint: setup
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)

types: setup
	@$(BIN)/mypy $(SOURCES)

imports: setup
	@$(BIN)/lint-imports

format: setup ## Put all sources into the common format
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

generate: setup ## Write the generated contracts and documents again
	@$(BIN)/tenon generate

generated-check: setup ## Fail where a generated file is not what its source says
	@$(BIN)/tenon generate --check

supply: setup ## Locks, licences and known vulnerabilities of what comes from others
	@$(BIN)/python -m tests.supply

licences: setup ## Write docs/licences.md from the locked packages
	@$(BIN)/python -m tests.supply --write

LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-emit-package tenon --no-emit-package tenon-matcher $(LOCK_ARGS)

lock: $(STAMPS)/venv ## Pin all packages again (LOCK_ARGS=--upgrade for the newest)
	@[ -x $(BIN)/uv ] || $(PIP) install uv
	@echo "==> requirements/dev.txt"
	@$(LOCK) requirements/dev.in $(MANIFESTS) -o requirements/dev.txt
	@for s in ingest matcher notifier; do echo "==> requirements/$$s.txt"; \
		$(LOCK) -c requirements/dev.txt services/$$s/pyproject.toml -o requirements/$$s.txt || exit 1; done
	@echo "==> requirements/build.txt, requirements/scenario-data.txt"
	@$(LOCK) -c requirements/dev.txt requirements/build.in -o requirements/build.txt
	@$(LOCK) --no-deps requirements/scenario-data.in -o requirements/scenario-data.txt

clean: ## Remove the virtual environment, jars, caches and everything built; data of `make up` stay
	@rm -rf $(VENV) .jgo build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
