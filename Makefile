# Two commands on a fresh machine that has Python (3.11 or later), make and a package index: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: demo test lint types tests oldest bench format build clean

demo: $(VENV)/.installed
	$(BIN)/python -m examples.census.demo

test: lint types tests

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

tests: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS)

# The plugin says that it works with mypy from 1.19 on.
oldest:
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --editable . 'mypy==1.19.*' pytest pytest-asyncio pytest-xdist hypothesis
	$(VENV)-oldest/bin/python -m pytest -n $(WORKERS) tests/typesafety/test_random_graphs.py tests/typesafety/test_plugin_agrees_with_runtime.py tests/mypy_plugin

bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m pytest benchmarks -o python_files='bench_*.py' -o python_functions='bench_*' -p no:xdist -q --benchmark-columns=min,rounds

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

build: $(VENV)/.dev
	$(BIN)/python -m build

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[mypy]'
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-oldest build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis
