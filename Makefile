# GNU Make 3.81 and later. `make help` lists what there is.

SWIFT ?= swift
LISTENERS ?= 127.0.0.1:9092
DATA ?= ./data
SECONDS ?= 60

# `make phase 1`: the number is a goal of its own to make, and must do nothing.
ifeq ($(firstword $(MAKECMDGOALS)),phase)
  PHASE := $(word 2,$(MAKECMDGOALS))
  ifneq ($(PHASE),)
    $(eval .PHONY: $(PHASE))
    $(eval $(PHASE): ; @:)
  endif
endif

SOURCES := Package.swift Sources Phases Tests Benchmarks

.PHONY: help
help:
	@echo "make run            build in release, and run a broker on $(LISTENERS) with its data in $(DATA)"
	@echo "make test           build, and pass all Swift tests"
	@echo "make tsan           readers beside a writer, under ThreadSanitizer"
	@echo "make mutate         a million frames changed at random: none traps, or takes much memory"
	@echo "make fuzz           bytes that libFuzzer makes up, into everything that reads: SECONDS=$(SECONDS), or INPUT=FILE"
	@echo "make phase N        what to read, the suites and the demo of phase N (1 or 2)"
	@echo "make interop        the tests with real clients: kcat, confluent-kafka, kafka-python, aiokafka"
	@echo "make golden         write what real clients and the broker say to each other, for the suite of phase 2"
	@echo "make bench-slice    the broker against bare system calls, as ratios"
	@echo "make bench-log      the log against bare system calls and loops, as ratios"
	@echo "make bench-server   the server against a bare epoll loop, as ratios"
	@echo "make transcripts    write the demos' output into the chapters"
	@echo "make lint           the format check"
	@echo "make format         format everything"
	@echo "make clean          remove what was built"

.PHONY: run
run:
	$(SWIFT) build -c release --product logbook
	@exec .build/release/logbook broker --listeners $(LISTENERS) --log-dirs $(DATA)

.PHONY: test
test:
	$(SWIFT) test --quiet --disable-xctest

# Threads in Swift run beside each other in few places only; this looks at the one that readers use.
.PHONY: tsan
tsan:
	$(SWIFT) test --quiet --disable-xctest --sanitize=thread --scratch-path .build-tsan --filter 'ReadersTests'

.PHONY: mutate
mutate:
	$(SWIFT) build -c release --product mutate
	.build/release/mutate

.PHONY: fuzz
fuzz:
	$(SWIFT) build -c release --product mutate
	LOGBOOK_FUZZ=1 $(SWIFT) build -c release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address \
		--scratch-path .build-fuzz --product Fuzz
	@bash Tests/Fuzz/fuzz.sh "$(SECONDS)" "$(INPUT)"

.PHONY: phase
phase:
	@SWIFT="$(SWIFT)" bash Phases/phase.sh "$(PHASE)"

.PHONY: interop
interop:
	$(SWIFT) build -c release --product logbook
	bash Tests/Interop/run.sh

.PHONY: golden
golden:
	$(SWIFT) build -c release --product logbook
	GOLDEN="$(CURDIR)/Tests/Phase2WireProtocolTests/Golden" bash Tests/Interop/run.sh -k test_golden

.PHONY: bench-slice
bench-slice:
	$(SWIFT) build -c release --product logbook
	$(SWIFT) build -c release --product bench-slice
	.build/release/bench-slice --write Docs/PERFORMANCE.md

.PHONY: bench-log
bench-log:
	$(SWIFT) build -c release --product bench-log
	.build/release/bench-log --write Docs/PERFORMANCE.md

.PHONY: bench-server
bench-server:
	$(SWIFT) build -c release --product logbook
	$(SWIFT) build -c release --product bench-server
	.build/release/bench-server --write Docs/PERFORMANCE.md

.PHONY: lint
lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)

.PHONY: format
format:
	$(SWIFT) format --in-place --recursive $(SOURCES)

.PHONY: clean
clean:
	$(SWIFT) package clean
	rm -rf .venv

.PHONY: transcripts
transcripts:
	$(SWIFT) build -c release --product phase1
	$(SWIFT) build -c release --product phase2
	bash Docs/transcripts.sh
