# consul-leader: `make run` shows it, `make test` tests it, `make install` installs it.
#
#   CC=clang          another compiler
#   BUILD=folder      where everything is built; build
#   SANITIZE=1        with AddressSanitizer and UndefinedBehaviorSanitizer, into build/sanitize
#   PREFIX, DESTDIR   for install; /usr/local
#   CONSUL=program    the Consul to test against; without it 1.8.7 is fetched
#   NOMAD=program     the Nomad to test against; without it 1.11.3 is built
#   TESTS=arguments   for pytest, as in `make integration TESTS='-k stop'`
#   SEED=n, RUNS=n    for simulate: tells that run, or plays so many; 100,000; for soak: 1 and 10,000 hooks
#   SEQUENCES="seed first count"   for conformance
#   RUNS=n, LONG_RUNS=n   for bench-deaths, 50 and 10; RUNS=n for bench-lateness, 1,000
#   MUTANTS=names     for mutants, as in `make mutants MUTANTS="'no drift allowance'"`
#   REPORT=--report   for house: the figures
#   N=n               for chaos: how often, as in `make chaos N=3 TESTS='-k S27'`

PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3
ifdef SANITIZE
BUILD   ?= build/sanitize
else
BUILD   ?= build
endif

CSTD     = -std=gnu11 -D_GNU_SOURCE -I.
WARNINGS = -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Werror
ifdef SANITIZE
CFLAGS  ?= -O1 -g
MODE     = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DSANITIZER=1
else
CFLAGS  ?= -O2 -g
MODE     =
endif
COMPILE  = $(CC) $(CSTD) $(WARNINGS) $(CFLAGS) $(MODE)
LINK     = $(CC) $(CFLAGS) $(MODE) $(LDFLAGS)

# What links nothing but libc, what speaks to the network, and what tests both.
plain_folders    := $(addprefix common/,base options messages process place) election supervisor keeper
network_folders  := $(addprefix common/,base options messages) election network network/tags stores consul
sources_in        = $(wildcard $(addsuffix /*.c,$(1)))
plain_sources    := $(call sources_in,$(plain_folders)) probes/schedule.c probes/exec.c
network_sources  := $(call sources_in,$(network_folders)) $(filter-out probes/exec.c,$(wildcard probes/*.c))
main_sources     := supervisor/main.c network/main.c
unit_sources     := $(wildcard tests/unit/*.c) \
                    $(filter-out $(main_sources),$(sort $(plain_sources) $(network_sources)))
# The simulator is the shipped code in a world of its own: what forks, waits, writes files or speaks
# to the network is left out and replaced, the system calls of the rest are renamed (symbols).
unsimulated      := $(main_sources) keeper/keeper.c supervisor/peers.c common/messages/channel.c common/base/log.c common/base/machine.c \
                    $(addprefix common/process/,child.c user.c signal_state.c ack.c sweep.c cgroup.c cgroup_folder.c inherited.c \
                    output.c) \
                    $(addprefix probes/,exec.c http.c tcp.c consul.c transfer.c) \
                    $(addprefix common/place/,place.c record.c remains.c directory.c lease_file.c) \
                    $(addprefix consul/,http.c http_failure.c tls.c address.c token.c)
simulated        := $(filter-out $(unsimulated),$(sort $(plain_sources) $(network_sources)))
model            := $(wildcard tests/model/*.c)
simulation       := $(wildcard tests/simulation/*.c)
soak             := $(wildcard tests/soak/*.c) tests/simulation/chance.c \
                    $(filter-out supervisor/%,$(plain_sources))
conformance      := $(wildcard tests/conformance/*.c)
manual_sources   := docs/manual.c $(call sources_in,common/base common/options)
all_sources      := $(sort $(plain_sources) $(network_sources) $(unit_sources) $(main_sources) \
                    $(model) $(simulation) $(conformance) $(wildcard docs/*.c tests/integration/*.c tests/bench/*.c tests/chaos/*.c tests/soak/*.c))
formatted        := $(wildcard $(addsuffix /*.[ch],$(sort $(plain_folders) $(network_folders)) probes docs docs/examples include/* tests/*))

objects_of = $(patsubst %.c,$(BUILD)/objects/%.o,$(1))
needs_libraries := network/% stores/% consul/% $(addprefix probes/,http.c tcp.c consul.c transfer.c) tests/unit/% tests/model/% tests/simulation/% \
                   tests/conformance/%

programs := $(BUILD)/consul-leader $(BUILD)/consul-leader-network
headers  := $(wildcard include/consul_leader/*.h)
manuals  := $(wildcard docs/*.1)

.DELETE_ON_ERROR:

.PHONY: all run test test-nomad image unit integration sanitize format format-check manual manual-check install clean consul arm64 bench \
        bench-deaths bench-lateness bench-lease bench-unhealthy test-programs setup simulate mutants soak soak-mutants conformance \
        chaos chaos-programs chaos-table duties house
all: $(programs)

run:
	tests/setup build
	+@$(MAKE) -s --no-print-directory all
	./demo

$(BUILD)/consul-leader: $(call objects_of,$(plain_sources))
	$(LINK) -o $@ $^

$(BUILD)/consul-leader-network: $(call objects_of,$(network_sources))
	$(LINK) -o $@ $^ $(shell pkg-config --libs libcurl json-c)

$(BUILD)/unit: $(call objects_of,$(unit_sources))
	$(LINK) -o $@ $^ $(shell pkg-config --libs check libcurl json-c)

$(BUILD)/manual: $(call objects_of,$(manual_sources))
	$(LINK) -o $@ $^

# The manual page comes from the table of options, and is kept with the source.
manual: $(BUILD)/manual
	$< >docs/consul-leader.1

manual-check: $(BUILD)/manual
	$< | diff -u docs/consul-leader.1 -

$(BUILD)/test-program: $(BUILD)/objects/tests/integration/program.o
	$(LINK) -o $@ $^

$(BUILD)/chaos-program: $(call objects_of,tests/chaos/program.c tests/chaos/record.c)
	$(LINK) -o $@ $^

$(BUILD)/chaos-store: $(call objects_of,tests/chaos/store.c tests/chaos/record.c)
	$(LINK) -o $@ $^

$(BUILD)/objects/%.o: %.c $(BUILD)/compiled-with
	@mkdir -p $(@D)
	$(COMPILE) $(if $(filter $(needs_libraries),$<),$(shell pkg-config --cflags libcurl json-c)) -MMD -MP -c -o $@ $<

shipped_objects = $(call objects_of,$(simulated))

$(BUILD)/simulation/shipped.o: $(shipped_objects) tests/simulation/symbols Makefile
	@mkdir -p $(@D)
	$(LD) -r -o $@ $(filter %.o,$^)
	objcopy --redefine-syms=tests/simulation/symbols $@

$(BUILD)/simulate: $(BUILD)/simulation/shipped.o $(call objects_of,$(simulation) $(model))
	$(LINK) -o $@ $^ $(shell pkg-config --libs json-c)

$(BUILD)/soak: $(call objects_of,$(soak))
	$(LINK) -o $@ $^

$(BUILD)/conformance: $(call objects_of,$(conformance) $(model) $(call sources_in,consul common/base common/options))
	$(LINK) -o $@ $^ $(shell pkg-config --libs libcurl json-c)

# Changes when the compiler or its options do, so that no objects of two kinds are mixed.
$(BUILD)/compiled-with: force
	@mkdir -p $(BUILD)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' >$@
.PHONY: force

-include $(patsubst %.o,%.d,$(call objects_of,$(all_sources)))

# Everything that the project promises about itself; tests/run counts what passed.
test:
	@tests/run all

sanitize:
	@tests/run sanitize

# A real Nomad with Consul, as root; needs Go to build Nomad once, or NOMAD=program.
test-nomad:
	@tests/run nomad

setup:
	tests/setup test

unit: $(BUILD)/unit
	$(BUILD)/unit

# Whether includes and calls keep to docs/design.md, "Folders".
house: all
	@BUILD='$(BUILD)' SOURCES='$(sort $(plain_sources) $(network_sources))' REPLACED='$(unsimulated)' tests/house $(REPORT)

# A container image from scratch with /opt/consul-leader, to be run or copied from.
image:
	BUILD=$(BUILD) image/build consul-leader:0.1.0

test-programs: all $(BUILD)/test-program

chaos-programs: all $(BUILD)/chaos-program $(BUILD)/chaos-store

consul:
	@tests/fetch-consul

integration: test-programs
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) $(PYTHON) -B -m pytest -p no:cacheprovider tests/integration $(TESTS)

bench: test-programs
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/handover.py

# As root and with docker, 10 minutes.
bench-deaths: test-programs
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/deaths.py

# How soon a leader whose probes fail is followed by another.
bench-unhealthy: test-programs
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/unhealthy.py

# As root, who alone may go before all others.
bench-lateness: test-programs
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/lateness.py

$(BUILD)/bench-lease: $(BUILD)/objects/tests/bench/lease.o
	$(LINK) -o $@ $^

bench-lease: $(BUILD)/bench-lease
	$<

chaos: chaos-programs
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) PYTHON=$(PYTHON) tests/chaos/run $(or $(N),1) $(TESTS)

# The table of the last run, into its place.
chaos-table:
	$(PYTHON) -B tests/chaos/table.py $(BUILD)/chaos.jsonl >$(BUILD)/chaos.md
	tests/put-table docs/safety.md "the chaos suite's table" <$(BUILD)/chaos.md

# What we do as a parent, beside tini and dumb-init.
duties: test-programs
	BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/integration/duties/table.py >$(BUILD)/duties.md
	tests/put-table docs/operating.md "the duties" <$(BUILD)/duties.md

simulate: $(BUILD)/simulate
	$< $(if $(SEED),--seed $(SEED),$(or $(RUNS),100000))

# What the keepers log goes to soak.log.
soak: $(BUILD)/soak
	$< $(or $(RUNS),10000) $(or $(SEED),1) 2>$(BUILD)/soak.log

soak-mutants: $(BUILD)/soak
	BUILD='$(BUILD)' COMPILE='$(COMPILE)' LINK='$(LINK)' OBJECTS='$(call objects_of,$(soak))' \
	    $(PYTHON) -B tests/soak/mutants.py

# Holds the simulator's model of Consul against a real one.
conformance: $(BUILD)/conformance
	CONSUL=$$(tests/fetch-consul) BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/conformance/run.py $(SEQUENCES)

mutants: $(BUILD)/simulate
	BUILD='$(BUILD)' COMPILE='$(COMPILE)' LINK='$(LINK)' LIBRARIES='$(shell pkg-config --libs json-c)' \
	    SHIPPED='$(shipped_objects)' SIMULATION='$(call objects_of,$(simulation) $(model))' \
	    $(PYTHON) -B tests/simulation/mutants.py $(MUTANTS)

format:
	clang-format -i $(formatted)

format-check:
	clang-format --dry-run --Werror $(formatted)

# What needs only libc must compile and link for arm64 too.
arm64:
	+@$(MAKE) --no-print-directory CC=aarch64-linux-gnu-gcc BUILD=build/arm64 build/arm64/consul-leader

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/consul-leader
	install $(BUILD)/consul-leader $(DESTDIR)$(PREFIX)/bin/
	install $(BUILD)/consul-leader-network $(DESTDIR)$(PREFIX)/libexec/consul-leader/
ifneq ($(headers),)
	install -d $(DESTDIR)$(PREFIX)/include/consul_leader
	install -m 644 $(headers) $(DESTDIR)$(PREFIX)/include/consul_leader/
	install -d $(DESTDIR)$(PREFIX)/share/pkgconfig
	install -m 644 include/consul-leader.pc $(DESTDIR)$(PREFIX)/share/pkgconfig/
endif
ifneq ($(manuals),)
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(manuals) $(DESTDIR)$(PREFIX)/share/man/man1/
endif

clean:
	rm -rf build
