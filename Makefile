# `make` alone lists the targets. Everything is installed into .venv, nothing elsewhere.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHAKESPEARE := https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt
SHAKESPEARE_SHA256 := 86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint check fuzz lecture bench clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@sed -n 's/^\([a-z./]*\):.*##/\1\t/p' $(MAKEFILE_LIST) | expand -t 24

$(BIN)/charrnn: pyproject.toml setup.cfg
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.test: $(BIN)/charrnn
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/.bench: $(BIN)/charrnn
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

demo.npz: $(BIN)/charrnn
	$(BIN)/charrnn train --checkpoint $@ --overwrite --time 60s

demo: demo.npz  ## train for a minute on text that every Python has, sample, look at the best cell
	$(BIN)/charrnn sample --checkpoint demo.npz --temp 0.8 --length 600
	$(BIN)/charrnn inspect --checkpoint demo.npz --find | tee demo.txt
	@echo; PATH="$(CURDIR)/$(BIN):$$PATH"; export PATH; \
	sed -n "s/^    charrnn inspect.*/& --length 600/p" demo.txt | sh -x

PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal
test: $(VENV)/.test  ## run the tests, on all cores
	$(PYTEST)

coverage: $(VENV)/.test  ## run the tests, and measure which lines they reach
	$(PYTEST) --cov=charrnn

lint: $(VENV)/.test  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint coverage  ## lint, types, tests with coverage

MINUTES ?= 60
fuzz: $(VENV)/.test  ## look for files that do more than be refused, for MINUTES=60
	$(BIN)/python tests/fuzz.py --minutes $(MINUTES)

lecture: $(BIN)/charrnn  ## run all examples of docs/lecture/ and write their output there (4 minutes)
	$(BIN)/python tests/helpers/lecture.py

bench: $(VENV)/.bench  ## measure speed, memory and quality, compared with PyTorch (about an hour)
	$(BIN)/python benchmarks/run.py

data/shakespeare.txt:  ## download tiny Shakespeare (1.1 MB)
	$(PYTHON) data/fetch.py $(SHAKESPEARE) $(SHAKESPEARE_SHA256) $@

clean:  ## remove what the other targets made
	rm -rf $(VENV) build *.egg-info demo.npz demo.txt .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
