# What a person types. CI types `make test` and nothing else.

FUZZTIME ?= 30s
SEEDS    ?= 3000
ODD      ?= 10000
BENCH    ?= .
PEOPLE   ?= 1000000
MEMORY   ?= 256

# The product needs no C compiler; only the race detector does.
export CGO_ENABLED = 0

.PHONY: help demo quick test lint vet race bench bench-scale bench-discovery fuzz fuzz-targets mutants readers build

help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name about; do printf '  make %-15s %s\n' "$$name" "$$about"; done

demo: ## Run two nights over a made-up company; needs no server, takes under two minutes
	go run ./fixtures/cmd/demo

# Packages whose tests need no server: neither they nor what they import starts or asks one.
QUICK_PACKAGES = $(shell go list -test -f '{{.ImportPath}}{{range .Deps}} {{.}}{{end}}' ./... | \
	grep -v ' lethe/fixtures/servers' | sed -n 's/^\([^ ]*\)\.test .*/\1/p')

quick: vet ## Check format, vet, and run the tests that need no server: below a minute, before each commit
	fixtures/servers/in-memory go test -vet=off $(QUICK_PACKAGES)

# Tests wait for servers, locks and processes as often as they compute: two of them for each processor.
AT_ONCE := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

test: lint ## Check format, vet, staticcheck, and run every test against private database servers
	fixtures/servers/up go test -vet=off -count=1 -p $(AT_ONCE) -parallel $(AT_ONCE) -timeout 40m ./...
	@$(MAKE) --no-print-directory race

lint: vet ## Check format, vet and staticcheck
	go tool staticcheck ./...

vet:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; } >&2
	go vet ./...

# Where goroutines share memory. The embedded SQLite engine and the long property tests are too slow under the detector; these reach the same code.
RACE_PACKAGES = ./connectors ./connectors/mem ./connectors/internal/... ./pipeline/anonymize ./pipeline/journal ./pipeline/registry/keystore
RACE_TESTS    = TestRewriteText|TestRewriteFile|TestInterrupt$$|TestTablesReadBack|TestManyRows|TestSameFacts|TestTheGateSees

race: ## Run tests with the race detector, where there is a C compiler
	@if command -v "$${CC:-cc}" >/dev/null; then set -x; export CGO_ENABLED=1; \
		fixtures/servers/in-memory go test -vet=off -race -count=1 -timeout 15m $(RACE_PACKAGES) && \
		fixtures/servers/in-memory go test -vet=off -race -count=1 -timeout 15m -run '$(RACE_TESTS)' \
			./connectors/mysqldump ./pipeline/audit/evidence ./pipeline/audit/parquet; \
	else echo "no C compiler: the race detector was not run" >&2; fi

bench: ## Measure, against real servers; BENCH=Night for one
	fixtures/servers/up go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./...

bench-scale: ## Plan a company of PEOPLE (1000000), and die beyond MEMORY (256) megabytes and 24 bytes a person
	PEOPLE=$(PEOPLE) MEMORY=$(MEMORY) go test -run '^$$' -bench 'BenchmarkPlan$$' -benchtime 1x -timeout 5h ./fixtures/bench

bench-discovery: ## Print what is found in the labelled schemas, what leaks, and how sure that is; ASIDE=1 for those put aside
	@cd classifiers && go test -vet=off -count=1 -timeout 2h -run 'TestLeaks$$' -leaks $(if $(ASIDE),-aside) $(if $(SCANNER),-scanner '$(SCANNER)')

fuzz: ## Run every fuzz target for FUZZTIME (30s), SEEDS (3000) schemas against the model of execution, ODD (10000) odd ones
	fixtures/servers/up $(MAKE) --no-print-directory fuzz-targets

fuzz-targets:
	go test -count=1 -timeout 3h -run TestSoak ./fixtures/model -first $$(date +%s) -seeds $(SEEDS) -counts
	go test -count=1 -timeout 3h -run TestOddSchemas ./jobs -v -odd $(ODD) -odd-first $$(date +%s)
	go test -count=1 -timeout 3h -run TestDialects ./connectors/csvdir -rapid.checks=$(ODD)
	go test -count=1 -timeout 3h -run TestVerdictsAreFinite ./classifiers -rapid.checks=$(ODD)
	@set -e; for package in $$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$package"/*_test.go); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$package"; \
		done; \
	done

mutants: ## Plant faults in the code that erases, and show that the tests find each
	fixtures/servers/in-memory fixtures/servers/up go run ./fixtures/cmd/mutants

readers: ## Have hyparquet, DuckDB, Arrow in Rust and Polars read every table of the evidence; needs node, npm and the network
	go run ./fixtures/cmd/readers

build: ## Build bin/lethe
	go build -trimpath -ldflags '-s -w' -o bin/lethe ./jobs/cmd/lethe
