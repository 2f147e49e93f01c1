# The commands of a checkout. `make demo` and `make test` build .venv on first use; a second run installs nothing.
#   TORCH_INDEX=https://download.pytorch.org/whl/cpu   where torch comes from (default: the index that pip is configured for)
#   ALLOW_CUDA=1                                       let torch bring its CUDA packages (several GB)

SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
TORCH := torch==2.13.0
TORCH_INDEX ?=
TORCH_SOURCE = $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
ALLOW_CUDA ?=
PYTEST_ARGS ?=
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-package torch --no-header --no-annotate -q
EXTRAS := base pipeline train demo
# make experiment: seeds and variants; finished runs are kept, so more can be added later.
SEEDS ?= 1 2 3 4 5
ARMS ?= tuned permuted shuffled

.PHONY: demo experiment test lint docs lock extras clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed-demo
	$(BIN)/rubric-factory demo --out demo-run

experiment: $(VENV)/.installed-demo
	$(BIN)/python -m flows.experiment --seeds "$(SEEDS)" --arms "$(ARMS)"

test: lint
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint sql
	$(BIN)/lint-imports

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer on this machine; fix: install one, or name it: make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

# In steps: locked packages by hash; torch alone, from the index its owner chose; this checkout last, without a look at any index.
$(VENV)/.installed-%: requirements/%.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python .ci/torch_guard.py "$(TORCH)" "$(TORCH_INDEX)" "$(ALLOW_CUDA)"
	@echo "installing requirements/$*.txt, torch and this checkout into $(VENV): 2 to 4 minutes, once"
	$(PIP) install -qq --no-deps --require-hashes -r $<
	$(PIP) install -qq $(TORCH) $(TORCH_SOURCE)
	$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

# The generated tables of docs/cli.md and docs/configuration.md.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m flows.reference

# One file a set, for every platform; torch stays out because it is installed alone.
lock: $(VENV)/.installed-dev
	$(LOCK) pyproject.toml -o requirements/base.txt
	$(LOCK) pyproject.toml --extra pipeline -o requirements/pipeline.txt
	$(LOCK) pyproject.toml --extra train -o requirements/train.txt
	$(LOCK) pyproject.toml requirements/build.in --extra pipeline --extra prefect --extra train -o requirements/demo.txt
	$(LOCK) pyproject.toml requirements/build.in --extra pipeline --extra prefect --extra train --extra local --extra dev -o requirements/dev.txt

# Each set in a clean environment of its own, and its imports proven there; [vllm] by a resolver run.
extras: $(VENV)/.installed-dev
	PYTHON=$(PYTHON) TORCH="$(TORCH)" TORCH_INDEX="$(TORCH_INDEX)" bash .ci/extras $(EXTRAS)

clean:
	rm -rf $(VENV) demo-run .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

-include vllm.mk
