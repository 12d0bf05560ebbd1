# The commands of every day. The build itself is CMakeLists.txt; `make help` lists what is here.

PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
CHAOS_SECONDS ?= 120
SIM_RUNS ?= 100000
CDASK = build/release/bin/cdask

build:   ## build everything in build/release
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release

demo:    ## install what is missing, build, make data, run the notebook's computations
	@tools/bootstrap.sh build
	@$(MAKE) --no-print-directory build
	@$(CDASK) demo-data
	@$(CDASK) demo

check:   ## install what the tests need, then build and run them all
	@tools/bootstrap.sh check
	@python3 tools/check.py

bench:   ## measure, beside Dask, pandas, polars and duckdb
	@tools/bootstrap.sh bench
	@$(MAKE) --no-print-directory build
	@build/venv/bin/python bench/run.py

fuzz:    ## feed random bytes to every fuzzer, FUZZ_SECONDS each
	@tools/bootstrap.sh fuzz
	@cmake --preset fuzz && cmake --build --preset fuzz
	@for fuzzer in build/fuzz/fuzz/fuzz_*; do \
	    mkdir -p build/corpus/$${fuzzer##*/} && \
	    $$fuzzer -max_total_time=$(FUZZ_SECONDS) build/corpus/$${fuzzer##*/} || exit 1; \
	done

chaos:   ## kill workers at random under load, CHAOS_SECONDS long
	@tools/bootstrap.sh check
	@$(MAKE) --no-print-directory build
	@python3 tests/chaos/chaos.py --seconds $(CHAOS_SECONDS)

sim:     ## simulate SIM_RUNS small clusters with faults, then 10,000 workers
	@$(MAKE) --no-print-directory build
	@build/release/bin/cdask-sim --draw --runs $(SIM_RUNS)
	@build/release/bin/cdask-sim --workers 10000 --tasks 100000 --task 1 --deaths 5 --joins 5 --cuts 5
	@build/release/bin/cdask-sim --workers 10000 --tasks 1000000 --task 1 --shape layers --measure

differential: ## run 20,000 random programs in Python, with pandas as the oracle
	@tools/bootstrap.sh check
	@$(MAKE) --no-print-directory build
	@CDASK_DIFFERENTIAL_PARTS=40 build/venv/bin/python -m pytest -q -p no:cacheprovider \
	    python/tests/differential

fmt:     ## format all C files in place
	@find src include sim tests examples bench fuzz -name '*.[ch]' 2>/dev/null | xargs clang-format -i

install: ## install under PREFIX (/usr/local), staged under DESTDIR
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build --preset release
	@DESTDIR=$(DESTDIR) cmake --install build/release

clean:   ## remove what was built; the Python environment stays
	@rm -rf build/dev build/asan build/tsan build/fuzz build/release build/wheel \
	    build/check build/tidy-cache

help:    ## this list
	@sed -n 's/^\([a-z]*\): *## */\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: build demo check bench fuzz chaos sim differential fmt install clean help
