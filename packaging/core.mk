# SPDX-License-Identifier: Apache-2.0
# core.mk - how the packet core is compiled, for all who compile it: the library, the C tests and
# the fuzz targets. An including Makefile sets OUT (a folder) and may set VARIANT (flags) first.

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)

ifeq ($(origin CC),default)
CC := $(if $(shell command -v clang 2>/dev/null),clang,cc)
endif
PKG_CONFIG ?= pkg-config

# libcrypto is used where it is installed; NETRON_LIBCRYPTO=0 builds without it all the same.
NETRON_LIBCRYPTO ?= $(if $(shell $(PKG_CONFIG) --exists libcrypto 2>/dev/null && echo yes),1,0)

CORE_PACKAGES := libsodium libuv
CORE_CPPFLAGS := -D_GNU_SOURCE -I$(ROOT)/include -I$(ROOT)/Sources/CNetronFast
ifeq ($(NETRON_LIBCRYPTO),1)
CORE_PACKAGES += libcrypto
CORE_CPPFLAGS += -DNETRON_LIBCRYPTO
endif
CORE_CPPFLAGS += $(shell $(PKG_CONFIG) --cflags $(CORE_PACKAGES) 2>/dev/null)
CORE_LIBS := $(shell $(PKG_CONFIG) --libs $(CORE_PACKAGES) 2>/dev/null) -pthread
CORE_WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wvla
ifneq ($(NETRON_STRICT),)
STRICT := -Werror
endif

# What a sanitized program needs of the linker. gold warns a thousand times of the runtime's own
# symbols where lld is silent; the ThreadSanitizer of a Swift toolchain knows libdispatch, and so
# must be given it.
TOOLCHAIN := $(abspath $(dir $(realpath $(shell command -v $(CC) 2>/dev/null)))/..)
SANITIZED_LDFLAGS := $(if $(wildcard $(TOOLCHAIN)/bin/ld.lld),-fuse-ld=lld)
DISPATCH := $(TOOLCHAIN)/lib/swift/linux
ifneq ($(wildcard $(DISPATCH)/libdispatch.so),)
THREAD_LDFLAGS := -L$(DISPATCH) -Wl,-rpath,$(DISPATCH) -ldispatch -lBlocksRuntime
endif

CORE_FOLDER := $(ROOT)/Sources/CNetronFast
CORE_SOURCES := $(sort $(shell find $(CORE_FOLDER) -name '*.c'))
CORE_OBJECTS := $(CORE_SOURCES:$(CORE_FOLDER)/%.c=$(OUT)/objects/%.o)

# Paths inside objects (assertions name their file) are the project's, not the builder's.
COMPILE = $(CC) -std=c17 -ffile-prefix-map=$(ROOT)/= $(CORE_CPPFLAGS) $(CPPFLAGS) \
    $(STRICT) -MMD -MP $(VARIANT) $(CFLAGS)

$(OUT)/objects/%.o: $(CORE_FOLDER)/%.c $(OUT)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(CORE_WARNINGS) -c $< -o $@

# Objects are made anew when the way to make them changed, or when a source came or went.
$(OUT)/flags: always
	@mkdir -p $(@D)
	@printf '%s\n' '$(COMPILE) $(LDFLAGS) $(CORE_OBJECTS)' | cmp -s - $@ || \
	    printf '%s\n' '$(COMPILE) $(LDFLAGS) $(CORE_OBJECTS)' > $@

# One sentence, before the compiler says it in fifty.
packages:
	@command -v $(PKG_CONFIG) >/dev/null || \
	    { echo 'pkg-config is missing: `make setup` installs it.' >&2; exit 1; }
	@$(PKG_CONFIG) --exists $(CORE_PACKAGES) || \
	    { echo 'Of $(CORE_PACKAGES) some are missing: `make setup` installs them.' >&2; exit 1; }

-include $(CORE_OBJECTS:.o=.d)

.PHONY: always packages
.DELETE_ON_ERROR:
