# SPDX-License-Identifier: Apache-2.0
# A façade over the presets of CMakePresets.json. "make demo" and "make test" are each enough on a fresh Debian 12:
# what is missing is installed first (.ci/packages has the list).
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=
CTEST_ARGS ?=

build = cmake --preset $(1) >build/$(1).log || { cat build/$(1).log; exit 1; }; cmake --build --preset $(1) -j $(JOBS)

.PHONY: all demo test asan lint tidy format bench fuzz device device-test device-figures install clean
all: need-build build/
	@$(call build,release)

demo: all
	@sh examples/fashion/demo.sh build/release

test: need-test build/
	@$(call build,dev)
	@ctest --preset dev -j $(JOBS) $(CTEST_ARGS)

asan: need-asan build/
	@$(call build,asan)
	@ctest --preset asan -j $(JOBS) $(CTEST_ARGS)

lint: need-lint build/
	@$(call build,dev)
	@ctest --preset dev -L lint -j $(JOBS)

# clang-tidy reads the flags of the dev build. Tests are left out: Check's macros are most of what it would report. Takes
# minutes, and is therefore no part of lint.
tidy: need-lint build/
	@$(call build,dev)
	@run-clang-tidy-14 -quiet -j $(JOBS) -p build/dev '^$(CURDIR)/(format|codec|cli|fuzz|examples|bench)/' \
	    >build/tidy.log 2>&1 && echo "clang-tidy: nothing to report" || \
	    { sed 's/\x1b\[[0-9;]*m//g' build/tidy.log | grep -E '(warning|error):' | sort -u; \
	      echo "clang-tidy: see build/tidy.log" >&2; exit 1; }

format: need-lint
	@find format codec cli tests fuzz bench examples -name '*.[ch]' -type f -exec clang-format-14 -i {} +

bench: all
	@sh bench/run.sh build/release

fuzz: need-asan build/
	@$(call build,fuzz)
	@sh fuzz/run.sh build/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

device: need-device build/
	@$(call build,device)
	@sh tests/lint/device_size.sh build/device/libmote_device.a tests/device_budget.txt
	@sh tests/lint/device_stack.sh build/device tests/device_stack.txt

device-test: need-device-test build/
	@$(call build,device-test)
	@ctest --preset device-test -L device -j $(JOBS) $(CTEST_ARGS)

# Measures anew what README.md says of devices.
device-figures: need-device-test build/
	@$(call build,device-test)
	@ctest --preset device-test -R 'device.(source|(m4|m4f).build)'
	@cmake --build --preset device-test --target device_figures

install: all
	@cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build

build/:
	@mkdir -p build

need-%: .ci/packages
	@.ci/packages $*
