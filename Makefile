# Every target sets up what it needs: a clone, Python 3.11 or newer, a C compiler and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
CC ?= cc
SANITIZE := -O1 -g -std=c11 -pthread -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# What of the Python doors needs no Python.
COLUMNS := csrc/python/batch.c csrc/python/arrow.c csrc/python/items.c csrc/python/fields.c csrc/python/json.c
NATIVE := $(wildcard csrc/*.c csrc/*.h csrc/*.def csrc/*/*.c csrc/*/*.h csrc/*/*.py) $(wildcard streamliner_udf/*.pyx streamliner_udf/*.pxd streamliner_udf/*.pxi streamliner_udf/reference/*.txt) setup.py pyproject.toml
# What compares the kernels with the specification, by the ways that look at many texts and at one.
SPECIFIED := tests/test_golden.py tests/test_oracle.py -k "sql- or python_list or python_scalar"
# Each kernel is tested as on processors that can do less than this one.
CPUS := all avx2 ssse3 plain
DUCKDB_VERSIONS := 1.4.5 1.5.6 2.0.0

.SECONDARY: # keep what was installed between two runs
.PHONY: help demo build test test-faults gate test-duckdb-versions asan lint docs bench wheel clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 24

demo: build ## a chat export becomes a clean DuckDB table, beside the pure-Python way
	$(RUN) -m streamliner_udf demo

build: $(VENV)/.built ## set up the environment; after an edit of C or Cython, rebuild

test: gate build ## all tests
	$(RUN) -m pytest
	for cpu in $(filter-out all,$(CPUS)); do \
	  STREAMLINER_UDF_CPU=$$cpu $(RUN) -m pytest $(SPECIFIED) || exit 1; \
	done

test-faults: build ## distributed runs while processes are killed, disks fill and files break
	$(RUN) -m pytest -m faults tests/faults

gate: $(BIN)/python ## what a row of the function table lacks, without building anything
	$(RUN) tests/gate.py

test-duckdb-versions: $(DUCKDB_VERSIONS:%=.duckdb-envs/%/.tested) ## the SQL door on every supported DuckDB

asan: build ## kernels and C tests under AddressSanitizer and UndefinedBehaviorSanitizer
	mkdir -p build/asan
	$(RUN) tests/archives.py build/asan/archives
	for test in tests/c/*.c; do \
	  name=$$(basename $$test .c); \
	  $(CC) $(SANITIZE) -Icsrc -Ibuild/generated csrc/*.c csrc/kernels/*.c $(COLUMNS) $$test -o build/asan/$$name || exit 1; \
	  for cpu in $(CPUS); do STREAMLINER_UDF_CPU=$$cpu build/asan/$$name || exit 1; done; \
	done

lint: build ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: build ## write docs/functions.md from the table and the oracles
	$(RUN) docs/generate.py

bench: build ## what a call, a vector and a row cost on each way into DuckDB
	$(RUN) bench/overhead.py

wheel: $(VENV)/.wheel ## dist/*.whl

clean: ## back to the clone
	rm -rf build dist .venv .duckdb-envs streamliner_udf.egg-info streamliner_udf/*.so streamliner_udf/*.duckdb_extension

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got %d.%d; set PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

# The build requirements live in the environment, so that a rebuild needs no network and no isolated copy of NumPy.
$(VENV)/.tools: pyproject.toml | $(BIN)/python
	$(RUN) -m pip install --quiet --upgrade 'setuptools>=77' 'cython>=3.1' 'numpy>=2' wheel
	$(RUN) -m pip install --quiet --upgrade 'duckdb>=2' 'pytest>=8' 'pyarrow>=16' 'polars>=1' 'rapidfuzz>=3.14' 'faker>=30' 'markdown-it-py>=3' 'ruff>=0.6' 'mypy>=1.11'
	touch $@

$(VENV)/.built: $(VENV)/.tools $(NATIVE)
	$(RUN) -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

$(VENV)/.wheel: $(VENV)/.built $(wildcard streamliner_udf/*.py streamliner_udf/*/*.py)
	rm -rf dist
	$(RUN) -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .
	touch $@

.duckdb-envs/%/.installed: $(VENV)/.wheel
	test -x .duckdb-envs/$*/bin/python || $(PYTHON) -m venv .duckdb-envs/$*
	.duckdb-envs/$*/bin/python -m pip install --quiet duckdb==$* 'numpy>=2' 'pytest>=8' 'pyarrow>=16'
	.duckdb-envs/$*/bin/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	touch $@

.duckdb-envs/%/.tested: .duckdb-envs/%/.installed $(wildcard tests/*.py tests/*/*)
	cd tests && ../.duckdb-envs/$*/bin/python -P -m pytest -p no:cacheprovider --rootdir . -c ../pyproject.toml duckdb_versions
	touch $@
