# `make help` lists the targets.

GO      ?= go
TOOL    := $(GO) tool -modfile=internal/tools/go.mod
BIN     := bin/holdfast
# VERSION=v1.2.3 marks a release; without it the program names its revision.
LDFLAGS := $(if $(VERSION),-X github.com/holdfast-game/holdfast/cmd/holdfast/app.release=$(VERSION))
# RACE=1 has the tests look for data races. What vet would find is left to lint then.
TESTFLAGS := $(if $(RACE),-vet=off) -timeout 10m

.DEFAULT_GOAL := help
.PHONY: help build run demo bench bench-peers chaos chaos-long simulate test check format vet lint tidy proto js drills

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## Build bin/holdfast.
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/holdfast

run: build ## Run a node with embedded etcd and NATS under ./data.
	$(BIN) serve

demo: build ## Hold a flash sale on a node in a temporary folder.
	$(BIN) demo

bench: build ## Measure a flash sale, and the machine's ceiling.
	$(BIN) bench sale
	$(BIN) bench echo

# PLOT=bench/peers.svg draws the outcome. apt-get install redis-server postgresql: what
# is not there is skipped.
bench-peers: build ## Compare with a plain gateway before Redis, etcd or PostgreSQL, in turn.
	$(BIN) bench peers $(if $(PLOT),--plot $(PLOT))

# SEED=7 repeats the campaign with that seed; KEEP=folder keeps all of it.
CHAOS := $(BIN) chaos --seed $(or $(SEED),1) $(if $(KEEP),--keep $(KEEP))

chaos: build ## Break a cluster for a minute under load, and check every promise.
	$(CHAOS) --for 1m

chaos-long: build ## The same for 30 minutes, over all kinds of faults.
	$(CHAOS) --for 30m

# The tests of whole processes come last and alone: they kill, pause and time, and
# Go cannot see that they depend on what they build. Those that wait more than they
# work are three at a time.
PROCESSES := github.com/holdfast-game/holdfast/internal/integration

simulate: build ## Run 10,000 simulated clusters; SEEDS=n for another number.
	$(BIN) simulate --seeds $(or $(SEEDS),10000)

# These start no goroutine, which internal/tidy looks at: they have no race to find.
SINGLE := actors/... bench/delta internal/tidy proto/delta
# The race detector makes what computes ten times as slow. With it, these are run in
# their -short form as well, and all of it without.
CAMPAIGNS := bench/chaos/history internal/sim

test: ## Run all tests; RACE=1 with the race detector.
ifdef RACE
	$(GO) test -race -short $(TESTFLAGS) $$($(GO) list ./... | grep -vxF -e $(PROCESSES) $$($(GO) list $(SINGLE:%=./%) | sed 's/^/-e /'))
	$(GO) test $(TESTFLAGS) $(SINGLE:%=./%) $(CAMPAIGNS:%=./%)
else
	$(GO) test $(TESTFLAGS) $$($(GO) list ./... | grep -vxF $(PROCESSES))
endif
	$(GO) test -count=1 -parallel 3 $(TESTFLAGS) $(PROCESSES)

drills: ## Move, drain, restart and kill nodes under load: the large form of the tests.
	$(GO) test -count=1 -timeout 30m -v $(PROCESSES) -run 'Drill|Rolling|KillTheOnly|ManyPlayers|ZoneOutlives' -args \
	  -drill.moves 200 -drill.rate 5000 -drill.players 30000 -drill.kills 20 -drill.crashes 20 -drill.residents 100000 -drill.pause 150ms

# No vet: lint runs its analyzers, and more.
check: format lint tidy ## What CI runs: format, lint, tidy, tests with -race, simulation, a minute of chaos.
	$(MAKE) test RACE=1
	$(MAKE) simulate
	$(MAKE) chaos

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; fi

vet:
	$(GO) vet ./...

lint:
	$(TOOL) golangci-lint run ./...

tidy:
	$(GO) mod tidy -diff
	$(GO) test ./internal/tidy

js: ## Check and bundle the TypeScript in client/js: the client, and the page to play on.
	$(TOOL) tsgo --project client/js
	rm -rf client/js/dist/types
	$(TOOL) tsgo --project client/js/types.json
	$(GO) test ./internal/tidy -run 'TestBundles|TestDeclarations' -count=1 -args -write

proto: ## Generate code from the .proto files.
	$(TOOL) buf lint
	$(TOOL) buf generate
	$(GO) test ./internal/tidy -run TestGeneratedCode -count=1 -args -write
