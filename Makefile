# Everything that a developer does here. `make help` lists it.

PYTHON ?= $(firstword $(shell command -v python3.11 2>/dev/null) python3)
VENV := .venv
BIN := $(VENV)/bin
# Stamps live with what they vouch for: when `.venv` or `node_modules` goes, so does its stamp.
INSTALLED := $(VENV)/.installed
PACKAGES := node_modules/.installed
ASSETS := whitelabel/static/vendor/.copied
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
# Whatever the machine's settings are: what is compiled once need not be compiled by each of the processes of a test run.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check lint format bench bench-latency bench-claim soak lock clean test-tools tests

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(ASSETS) ## install all that development needs, into this folder only
	@:

demo: setup ## run the whole product with one real message, until Ctrl-C (ONCE=1: end when it was delivered)
	@exec $(BIN)/python -m platform_dev.demo $(if $(ONCE),--once)

test: lint tests ## lint, types, import contracts and all tests (at most 8 minutes)

check: format test ## what to run before a commit: `make test`, formatting first

lint: setup ## formatting, lint, types, import contracts; changes nothing
	@$(BIN)/ruff format --quiet --check . || { echo "Run 'make format'." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup ## format the code and mend what can be mended by itself
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: setup ## measure: messages a second, CPU milliseconds a message, latency
	@exec $(BIN)/python -m benchmarks

bench-latency: setup ## the same to mail servers 50 ms away, under TLS, beside servers next door
	@exec $(BIN)/python -m benchmarks.latency

bench-claim: setup ## what a claim costs the database in queues of 10,000 to 1,000,000
	@exec $(BIN)/python -m benchmarks.claim

soak: setup test-tools ## the tests that take long (100,000 messages)
	@$(BIN)/pytest -m soak --timeout 3600

clean: ## remove everything that was made here, the embedded servers' data included
	@scripts/clean

lock: $(INSTALLED) ## write the lock files (UPGRADE=1: choose all versions anew); needs the package registries
	@UPGRADE=$(UPGRADE) scripts/lock

tests: setup test-tools
	@$(BIN)/pytest -m "not soak" -n 2 --quiet

# Without them the tests that need them fail and say so; all others still run.
test-tools:
	@scripts/need chromium which chromium || true
	@scripts/need swaks which swaks || true
	@scripts/need libpangoft2-1.0-0 $(BIN)/python -c "import weasyprint" || true
	@scripts/need libnet-ssleay-perl perl -MNet::SSLeay -e 1 || true

$(BIN)/python:
	@scripts/need python3.11 $(PYTHON) -c "import sys; assert sys.version_info >= (3, 11)"
	@scripts/need python3.11-venv $(PYTHON) -c "import ensurepip, venv"
	@$(PYTHON) -m venv $(VENV)

# Build tools come first, locked like the rest: nothing is fetched behind the lock files' back.
$(INSTALLED): requirements-build.lock requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing Python packages ..." >&2
	@$(PIP) install --require-hashes --requirement requirements-build.lock
	@$(PIP) install --require-hashes --requirement requirements-dev.lock --no-build-isolation
	@$(PIP) install --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(PACKAGES): package.json package-lock.json | $(INSTALLED)
	@echo "Installing front-end packages ..." >&2
	@$(BIN)/python -m platform_dev.assets install
	@touch $@

$(ASSETS): themes/assets.json $(PACKAGES)
	@$(BIN)/python -m platform_dev.assets copy
	@touch $@
