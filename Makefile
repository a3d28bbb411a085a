# SPDX-License-Identifier: Apache-2.0
# Two commands do all set-up on a fresh machine that has a Swift toolchain:
#   make run     and     make test

SHELL := /bin/bash
.DEFAULT_GOAL := help
ARGS ?=
PREFIX ?= /usr/local
SEEDS ?= 3
SEED ?= 1
HOURS ?= 1
NODES ?= 50
SWIFT ?= swift
export SWIFT

# libcrypto seals faster than libsodium: it is used where it is installed. Asked anew by each
# recipe, since `make setup` may just have installed it. NETRON_LIBCRYPTO=0 builds without it.
ifeq ($(origin NETRON_LIBCRYPTO),undefined)
libcrypto = $$(pkg-config --exists libcrypto 2>/dev/null && echo 1 || echo 0)
else
libcrypto = $(NETRON_LIBCRYPTO)
endif
unexport NETRON_LIBCRYPTO
# Package.swift asks whether the variable is there.
with_libcrypto = if [ "$(libcrypto)" = 1 ]; then export NETRON_LIBCRYPTO=1; fi;
core_make = $(MAKE) --no-print-directory -s NETRON_LIBCRYPTO=$(libcrypto)

# Relocated pages are private memory and mapped symbols are resident: relocations are packed (glibc
# 2.36, Debian 12) and nothing is exported, which takes 2.4 MB off a running node.
linking = -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs -Xlinker --no-export-dynamic
swift_release = $(SWIFT) build -c release --static-swift-stdlib --product netron \
    $(addprefix -Xswiftc ,$(linking))

help:
	@echo 'make run [ARGS="--address 10.1.0.11/24"]   build, make a network if there is none, join it'
	@echo 'make test                                  everything that proves it (as root for all)'
	@echo 'make build                                 the command: .build/release/netron'
	@echo 'make setup                                 install what is needed to build and to test'
	@echo 'make install [PREFIX=/usr/local] [DESTDIR=]   C library; the command too, once built'
	@echo 'make uninstall [PREFIX=/usr/local]         take it away again'
	@echo 'make bench [ARGS=...]                      Benchmarks/run.py: against other VPNs'
	@echo 'make bench-ledger [ARGS="flat 365"]        Benchmarks/ledger: what the ledger costs'
	@echo 'make simulate [SEEDS=3] [HOURS=1] [NODES=50]   networks of many nodes, in memory'
	@echo 'make lint, make format                     check, or set, the style'
	@echo 'make clean                                 remove what was built; netron.yaml stays'
	@echo
	@echo 'Variables: NETRONTOKEN, NETRONCONFIG (join that network), NETRON_LIBCRYPTO=0|1, SWIFT, CC'

setup:
	@packaging/setup test

setup-run:
	@packaging/setup run

toolchain:
	@command -v $(SWIFT) >/dev/null || { echo 'There is no `$(SWIFT)` in PATH: install the Swift' \
	    '6.3 toolchain from https://www.swift.org/install/linux/ and try again.' >&2; exit 1; }

build: setup-run toolchain
	@$(with_libcrypto) $(swift_release)

run: build
	@packaging/run $(ARGS)

core: setup-run
	@$(core_make) -C packaging

test: setup toolchain
	@$(MAKE) --no-print-directory test-c test-swift test-interop test-namespaces test-examples

test-c:
	@$(core_make) -C Tests/CNetronFastTests check

# Nodes with sockets and threads wait for events for a bounded time, and so not beside worlds of
# thousands that take all processors.
test-swift: toolchain
	@$(with_libcrypto) $(SWIFT) test --skip NetronSwiftTests
	@$(with_libcrypto) $(SWIFT) test --skip-build --filter NetronSwiftTests

# They make interfaces in namespaces of their own, with the command as users get it.
# In a network of its own: its nodes shall meet nobody but their test.
test-interop: build
	@unshare $$(test $$(id -u) = 0 || echo --map-root-user) --net sh -c 'PATH=$$PATH:/usr/sbin; \
	    ip link set lo up && exec $(MAKE) --no-print-directory -C Tests/Interop check ARGS="$(ARGS)"'

test-namespaces: build
	@packaging/test-namespaces $(ARGS)

test-examples:
	@NETRON_LIBCRYPTO=$(libcrypto) .ci/examples

install: setup-run
	@$(core_make) -C packaging install PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)'
	@if [ -x .build/release/netron ]; then \
	    install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/systemd/system' && \
	    install -m 0755 .build/release/netron '$(DESTDIR)$(PREFIX)/bin/netron' && \
	    for unit in netron.service netron@.service; do \
	        sed 's|/usr/bin/netron|$(PREFIX)/bin/netron|' packaging/$$unit \
	            > '$(DESTDIR)$(PREFIX)/lib/systemd/system/'$$unit || exit 1; \
	    done; \
	else \
	    echo 'Installed the C library only: `make build` first for the command.'; \
	fi

uninstall:
	@$(core_make) -C packaging uninstall PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)'
	rm -f '$(DESTDIR)$(PREFIX)/bin/netron' \
	    '$(DESTDIR)$(PREFIX)/lib/systemd/system/netron.service' \
	    '$(DESTDIR)$(PREFIX)/lib/systemd/system/netron@.service'

bench: setup build
	@/usr/bin/python3 Benchmarks/run.py $(ARGS)

bench-ledger: setup-run toolchain
	@$(with_libcrypto) $(SWIFT) run -c release NetronLedgerBenchmark $(ARGS)

# Every scenario with every seed; a seed that fails is named, and SEED=N begins with it. A world of
# thousands takes hundreds of megabytes: with huge pages (glibc 2.35) its hours pass faster.
simulate: build
	@GLIBC_TUNABLES=glibc.malloc.hugetlb=1 .build/release/netron simulate --soak $(SEEDS) \
	    --seed $(SEED) --hours $(HOURS) --nodes $(NODES)

lint:
	@.ci/lint

format: toolchain
	@.ci/lint --fix

clean:
	rm -rf build .build

.PHONY: help setup setup-run toolchain build run core test test-c test-swift test-interop \
    test-namespaces test-examples install uninstall bench bench-ledger simulate lint format clean
