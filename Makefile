# Every target installs what it needs and shows what it does. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export TESTCONTAINERS_RYUK_DISABLED := true
FUZZ ?= 5000
PYTEST ?= pytest

.PHONY: help setup test fast lint format demo bench fuzz cluster down

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup:
	@.ci/setup

test: setup  ## Run every test: fast ones, a real API server, a real two-node cluster
	$(PYTEST)

fast: setup  ## Run the tests that need no server: under a minute
	$(PYTEST) tests/unit tests/contract tests/golden -m "not integration and not e2e"

lint: setup  ## Check style, types and the direction of imports
	ruff format --check .
	ruff check .
	mypy
	lint-imports

format: setup  ## Put the code into the project's format
	ruff format .
	ruff check --fix .

demo: setup  ## Do the main job on a real cluster: commit, plan, apply, operations, drift
	python -m tests.demo

bench: setup  ## Measure against peers and floors; prints ratios
	python -m benchmarks

fuzz: setup  ## Run the property tests with FUZZ=5000 examples
	GITOPS_FUZZ_EXAMPLES=$(FUZZ) $(PYTEST) tests/unit tests/golden tests/integration tests/chaos/test_stories.py -k "property or fuzz or agrees"

cluster: setup  ## Bring up the two-node test cluster and print its kubeconfigs
	python -m tests.cluster up

down: setup  ## Remove the test cluster
	python -m tests.cluster down
