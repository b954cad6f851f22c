# GNU Make 3.81 and later. `make help` lists what there is.

SWIFT ?= swift
LISTENERS ?= 127.0.0.1:9092
DATA ?= ./data

# `make phase 1`, `make hint 1.3`: the number is a goal of its own to make, and must do nothing.
ifneq ($(filter $(firstword $(MAKECMDGOALS)),phase start check hint reset reveal),)
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
	@echo "make fuzz           bytes that libFuzzer makes up, into everything that reads; SECONDS=600 is longer, INPUT=FILE is one"
	@echo "make phase N        what to read, the suites and the demo of phase N (1 to 4)"
	@echo "make start N        your own copy of phase N in Workbook, with the bodies of its exercises taken out"
	@echo "make check [N]      build your copies, run the exercises' tests, and show the board; also make check 1.3"
	@echo "make hint X         a hint for exercise X, such as 1.3; three times, each helps more"
	@echo "make reset X        take exercise X back to its beginning; what you had is kept"
	@echo "make reveal X       the difference between your exercise X and the reference"
	@echo "make interop        the tests with real clients: kcat, confluent-kafka, kafka-python, aiokafka"
	@echo "make soak           ten minutes of clients that come, go and misbehave; SECONDS=60 is shorter"
	@echo "make churn          groups whose members join, leave and crash, three minutes of each kind; SECONDS=60 is shorter"
	@echo "make golden         write what real clients and the broker say to each other, for the suite of phase 2"
	@echo "make bench-slice    the broker against bare system calls, as ratios"
	@echo "make bench-log      the log against bare system calls and loops, as ratios"
	@echo "make bench-server   the server against a bare epoll loop, as ratios"
	@echo "make bench-groups   1,000 groups with 10,000 members: memory, rebalances, heartbeats"
	@echo "make bench-client   the producer against kcat and batches made beforehand, as ratios"
	@echo "make transcripts    write what commands print into the documents that show it"
	@echo "make check-workbook each exercise's tests stop when it is blanked, pass, and notice its mutations"
	@echo "make check-adr      decisions and chapters name what is there, and none lacks a part"
	@echo "make check-docs     links lead somewhere; transcripts and tables are fresh"
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
	LOGBOOK_TSAN=1 $(SWIFT) test --quiet --disable-xctest --sanitize=thread --scratch-path .build-tsan --filter 'ReadersTests'

.PHONY: mutate
mutate:
	$(SWIFT) build -c release --product mutate
	.build/release/mutate

.PHONY: fuzz
fuzz: SECONDS ?= 60
fuzz:
	$(SWIFT) build -c release --product mutate
	LOGBOOK_FUZZ=1 $(SWIFT) build -c release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address \
		--scratch-path .build-fuzz --product Fuzz
	@bash Tests/Fuzz/fuzz.sh "$(SECONDS)" "$(INPUT)"

.PHONY: phase
phase:
	@SWIFT="$(SWIFT)" bash Phases/phase.sh "$(PHASE)"

# The workbook. What a command has to say is said before this returns: make need not add that it failed.
WORKBOOK = @$(SWIFT) build --quiet --product workbook && .build/debug/workbook

.PHONY: start check hint reset reveal
start hint reset reveal:
	$(WORKBOOK) $@ $(PHASE)

check:
	$(WORKBOOK) check $(PHASE) || test $$? -eq 1

.PHONY: check-adr
check-adr:
	$(WORKBOOK) $@

# Two phases at a time, each in a tree of its own; the last has most to prove.
.PHONY: check-workbook
check-workbook:
	@$(SWIFT) build --quiet --product workbook
	@printf '%s\n' Phases/*/workbook.json | sed 's/[^0-9]*0\([0-9]\).*/\1/' | sort -r \
		| xargs -n 1 -P 2 .build/debug/workbook check-workbook

.PHONY: interop
interop:
	$(SWIFT) build -c release --product logbook
	$(SWIFT) build -c release --product group-member
	bash Tests/Interop/run.sh


.PHONY: soak
soak: SECONDS ?= 600
soak:
	$(SWIFT) build -c release --product logbook
	bash Tests/Interop/run.sh --soak --seconds $(SECONDS) --write

.PHONY: churn
churn: SECONDS ?= 180
churn:
	$(SWIFT) build -c release --product logbook
	$(SWIFT) build -c release --product group-member
	bash Tests/Interop/run.sh --churn --seconds $(SECONDS) --write

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

.PHONY: bench-client
bench-client:
	$(SWIFT) build -c release --product logbook
	$(SWIFT) build -c release --product bench-client
	.build/release/bench-client --write Docs/PERFORMANCE.md

.PHONY: bench-groups
bench-groups:
	$(SWIFT) build -c release --product logbook
	$(SWIFT) build -c release --product bench-groups
	.build/release/bench-groups --write Docs/PERFORMANCE.md

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

# Transcripts are the output of these.
.PHONY: demos
demos:
	$(SWIFT) build -c release --quiet --product phase1
	$(SWIFT) build -c release --quiet --product phase2
	$(SWIFT) build -c release --quiet --product phase3
	$(SWIFT) build -c release --quiet --product phase4
	$(SWIFT) build -c release --quiet --product logbook

.PHONY: transcripts
transcripts: demos
	$(WORKBOOK) write-docs

.PHONY: check-docs
check-docs: demos
	$(WORKBOOK) check-docs
