# Needs Python 3.11 or newer and make; everything else is installed into .venv.
#   make demo      search the Pareto front of accelerators for ResNet-18, and write a report of it
#   make test      the tests that take seconds; make test-all adds the slow ones
#   make test-portable  those that compute, as on an older processor with other linear algebra and one thread
#   make lint      ruff and mypy
#   make docs      the documentation as a site, in site/
#   make pages     the page of each environment in docs/environments/, from the code
#   make bench     every benchmark

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Stamps say which requirements the environment was made with, so that nothing is installed twice.
USE := $(VENV)/installed
DEVELOP := $(VENV)/installed-dev
WORKERS ?= 2
# Workers take neighbours, which share fixtures, and the last tests from whoever still has some.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# Tests start a few hundred processes, each of which would compile the package anew.
test test-all test-portable: export PYTHONDONTWRITEBYTECODE :=
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-portable lint format docs pages bench clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(USE): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[report]'
	@touch $@

$(DEVELOP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all,docs,dev]'
	@touch $(USE) $@

# Latency, energy and area of every design that no other beats in all three, drawn in a report to open in a browser; about
# twenty seconds once installed.
demo: $(USE)
	$(BIN)/chipgym search systolic --workload resnet18 --option accumulator_bits=32 --objective latency_s --objective energy_j \
		--objective area_mm2 --budget 2000 --store runs/demo.db
	$(BIN)/chipgym report runs/demo.db

test: $(DEVELOP)
	$(PYTEST) -m "not slow"

test-all: $(DEVELOP)
	$(PYTEST)

# NumPy, Numba, OpenBLAS and PyTorch each without what they found in this processor: other last bits, other results of
# whatever leans on them.
test-portable: export NUMBA_CPU_NAME = generic
test-portable: export NUMBA_CPU_FEATURES =
test-portable: export OPENBLAS_CORETYPE = $(if $(filter x86_64,$(shell uname -m)),Nehalem,)
test-portable: export OPENBLAS_NUM_THREADS = 1
test-portable: export NUMBA_NUM_THREADS = 1
test-portable: export ATEN_CPU_CAPABILITY = default
test-portable: $(DEVELOP)
	NPY_DISABLE_CPU_FEATURES="$$($(BIN)/python -c 'from numpy._core._multiarray_umath import __cpu_dispatch__ as d; print(*d)')" \
		$(PYTEST) -m "portable and not slow"

lint: $(DEVELOP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEVELOP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEVELOP)
	$(BIN)/python -m mkdocs build --strict

pages: $(DEVELOP)
	$(BIN)/python -c "from chipgym.envs.pages import write_pages; write_pages('docs/environments')"

bench: $(DEVELOP)
	@set -e; for b in $(BENCHMARKS); do echo "== $$b"; $(BIN)/python $$b; done

clean:
	rm -rf build dist runs site $(VENV) .bench-venv .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
