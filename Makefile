# Everything a person or CI does here. `make help` lists it. Needs Python 3.11 and make, no more.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# An uv on the PATH is used; else one is put into .tools from PyPI.
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
UV_VERSION := 0.13.8
PYTHON ?= python3
RUN := $(UV) run --no-sync
# Passed on to the command: make demo ARGS="--seconds-per-hour 2", make test ARGS="-k broker".
ARGS ?=
# How long `make fuzz` looks with each of its tests.
FUZZ_S ?= 60
# A service's folder is its package with a hyphen: station-bridge, wattbus_station_bridge.
SERVICES := $(patsubst services/%/pyproject.toml,%,$(wildcard services/*/pyproject.toml))

.PHONY: help setup mosquitto demo test check types format fuzz bench chaos pictures clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: .venv/ready ## make the environment in .venv from the lock

# Only manifests and the lock: sources are installed editable.
.venv/ready: uv.lock pyproject.toml $(wildcard services/*/pyproject.toml) | $(UV)
	@echo "making the environment in .venv from uv.lock"
	@$(UV) sync --quiet --frozen --all-packages
	@touch $@

.tools/bin/uv:
	@tools/ensure-venv.sh "$(PYTHON)"
	@echo "fetching uv $(UV_VERSION) from PyPI into .tools"
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

mosquitto: ## install Mosquitto if it is missing and this user may
	@tools/ensure-mosquitto.sh

demo: setup mosquitto ## charge the course's default day in the terminal (STRATEGY=… to choose)
	@$(RUN) wattbus demo $(if $(STRATEGY),--strategy $(STRATEGY)) $(ARGS)

test: setup mosquitto ## all tests; those of the container stack where a Docker engine answers
	@tools/run-tests.sh $(RUN) pytest -- $(ARGS)

check: setup ## lint, format, types and import rules
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	@$(MAKE) --no-print-directory types
	$(RUN) lint-imports

# One run a service: each must stand on its own.
types: setup
	@for service in $(SERVICES); do \
	    echo "mypy --strict services/$$service" && \
	    $(RUN) mypy --strict "services/$$service/src" || exit 1; \
	done

format: setup ## let ruff put the sources in order
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

fuzz: setup mosquitto ## damaged messages to every service, FUZZ_S seconds a test
	@WATTBUS_FUZZ_S=$(FUZZ_S) $(RUN) pytest --timeout $$(($(FUZZ_S) + 600)) tests/fuzz $(ARGS)

bench: setup mosquitto ## measure speed and size into bench-results
	@PYTHONPATH=tests $(RUN) python -m benchmarks $(ARGS)

chaos: setup mosquitto ## kill, stop, cut and fill everything, and hold what comes of it to the promises
	@tools/ensure-faketime.sh
	@PYTHONPATH=tests $(RUN) python -m chaos $(ARGS)

pictures: setup mosquitto ## take the pictures of the dashboard in docs/pictures anew
	@PYTHONPATH=tests $(RUN) python -m browser.pictures

clean: ## remove environment, caches and local broker, but no data
	rm -rf .venv .tools .wattbus .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
