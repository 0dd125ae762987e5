# `make app` opens the analyzer, `make test` runs the whole suite, `make check` its quick part.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The editable install rebuilds the core on import and needs ninja on PATH.
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: env app lab test check lint docs bench latency sanitize aarch64 platforms wasm clean

env: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml meson.build
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "f2f-viz needs Python 3.11 or newer; set PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q "meson-python>=0.17" "meson>=1.5" "ninja>=1.11" "cython>=3.1"
	$(BIN)/python -m pip install -q --no-build-isolation -e ".[dev]"
	touch $@

app: env
	$(BIN)/f2f-viz app

lab: env
	$(BIN)/f2f-viz lab

test: env
	tools/ensure_chromium.sh
	tools/ensure_iverilog.sh iverilog verilator
	$(BIN)/python -m pytest

# what needs no browser and no server, with fewer damaged files; a minute or so on two cores.
# Where the environment forbids bytecode, every worker and every command under test would compile
# all modules anew.
check: export PYTHONDONTWRITEBYTECODE =
check: env
	F2F_FUZZ=400 $(BIN)/python -m pytest -q -n auto --dist worksteal --ignore-glob="*/test_browser*" \
		-m "not browser and not server and not slow"

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/python tools/lint_imports.py
	$(BIN)/cython-lint cython_core
	$(BIN)/clang-format --dry-run -Werror cython_core/*/*.[ch] benchmarks/*.c tools/*.c
	tools/lint_headers.sh

bench: env
	$(BIN)/python -m pip install -q zstandard
	$(BIN)/python -m benchmarks.run

latency: env
	tools/ensure_chromium.sh
	$(BIN)/python -m benchmarks.latency

sanitize: env
	tools/sanitize.sh $(BIN)/python

aarch64:
	tools/aarch64.sh

platforms: env
	tools/platforms.sh $(BIN)/python

# after a change of cython_core: the lesson's page holds the search as WebAssembly
wasm: env
	tools/wasm.sh $(BIN)/python

docs: env
	$(BIN)/python -m pip install -q --no-build-isolation -e ".[docs]"
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python -m pytest -q tests/docs/site_check.py

clean:
	rm -rf build dist docs/_build docs/generated docs/api/generated $(VENV)
