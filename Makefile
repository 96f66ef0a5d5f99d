# Two commands do everything on a fresh machine: make app, make test.
#   TORCH_INDEX=https://…   takes torch from another index (a CUDA, ROCm or CPU build)
#   PYTHON=python3.12       another interpreter (3.11 or newer)
#   PORT=8502               another port for the app

PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

.PHONY: app test lint unit bench zoo clean

app: .venv/app.stamp
	$(BIN)/workbench app --port $(PORT)

test: lint unit

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One thread each: two test processes with two threads each would wait for one another on two cores.
unit: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

# Beside captum, shap, quantus and zennit are compared with where they are installed.
bench: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m bench.tables
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m bench.methods
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m bench.metrics
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m bench.agreement

zoo: .venv/app.stamp
	$(BIN)/python -m zoo verify

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache screenshots

.venv/app.stamp: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) torch)
	$(PIP) --editable .
	touch $@

.venv/dev.stamp: .venv/app.stamp
	$(PIP) --editable '.[dev]'
	touch $@
