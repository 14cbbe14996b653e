# Each goal makes .venv when it is missing or older than what it was made from; otherwise it starts at once.
#   make study        train and compare on real prices; ends with the path of the page
#   make test         the tests that everybody runs (a few minutes)
#   make test-slow    long tests and those in a browser
#   make test-data    tests on real data: GATEWISE_DATA=folder make test-data
#   make lint         style, types, directions of imports
#   make docs         the documentation, into site/
#   make bench        speed and quality beside the peers
# ARGS=... goes on to the command behind a goal, e.g. make test ARGS="-k lstm".

SHELL := /bin/bash
BIN := .venv/bin
# On Linux a plain torch brings gigabytes of CUDA. For the CPU build:
#   make TORCH_INDEX=https://download.pytorch.org/whl/cpu study
TORCH_INDEX ?=
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.PHONY: study test test-slow test-data lint docs bench clean
.DEFAULT_GOAL := test

study: .venv/.installed
	@$(BIN)/gatewise study stocks-cells --preset quick $(ARGS)

test: .venv/.installed
	$(PYTEST) -m "not slow and not browser and not data and not gpu" $(ARGS)

test-slow: .venv/.installed
	$(PYTEST) -m "(slow or browser) and not data and not gpu" $(ARGS)

test-data: .venv/.installed
	@test -d "$(GATEWISE_DATA)" || { echo "GATEWISE_DATA must name a folder with GOOG.csv and AAPL.csv" >&2; exit 2; }
	$(PYTEST) -m "data and not gpu" $(ARGS)

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.installed
	$(BIN)/python docs/make_tables.py
	$(BIN)/zensical build --strict

bench: .venv/.installed
	$(BIN)/python -m benchmarks.run $(ARGS)

clean:
	rm -rf .venv site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/.installed: pyproject.toml constraints.txt hatch_build.py $(wildcard src/gatewise/cells/kernels/csrc/*)
	@python=$$(for name in python3 python3.13 python3.12 python3.11; do \
	  $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$name && break; \
	done); \
	test -n "$$python" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found" >&2; exit 2; }; \
	$$python -m venv .venv
	@echo "Installing into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
	  -c constraints.txt -e '.[dev]'
	@touch $@
