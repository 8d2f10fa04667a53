# Names for what can be done here; each is a command or two.

.PHONY: help build run test check race test-long test-plain chaos-short lint size setup model simulate mutants chaos soak drafts people bench worker worker-dev profile bench-worker bench-browser release

GOTESTSUM   = go run gotest.tools/gotestsum@v1.13.0 --format pkgname

# The same flags in check and test: each takes what did not change from the other's cache. Three at once on two cores,
# for most tests of browsers and servers wait. Lint vets; no debugger reads these binaries.
TEST        = $(GOTESTSUM) -- -timeout 40m -vet=off -ldflags=-w -p 3 -parallel 3

# The packages that take longest begin first.
LONGEST     = ./browser_test/browser ./worker

# The race detector watches this repository and its libraries, but not SQLite's inside: that is C translated into Go,
# one connection's alone, and eight times slower under it.
RACE        = -race -gcflags=modernc.org/...=-race=false

# Packages whose tests drive other processes (browsers, workerd, Node, servers behind proxies, the release before), or
# compute in one goroutine: the race detector would only slow them.
DRIVERS     = browser_test/(bench|browser|guide|kit|pagebench|recipes|replicas|server|upgrade|validators)|tabard/(js|worker)|session/proof|deploy/release|workspacefile

# The files of tests that take long for good reason have the build tag long. Soak and chaos take the machine for themselves.
LONG        = $(filter-out browser_test/soak/% browser_test/chaos/%,$(shell git grep -lE '^//go:build .*long$$' -- '*_test.go'))
LONG_TESTS  = ^($(shell grep -hoE '^func Test\w+' $(LONG) | cut -c6- | paste -sd '|'))$$

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the browser module and face (js/dist), and bin/tabard; DEBUG=1 keeps names and lines, PLAIN=1 is Go's own output
	go run ./js/build $(if $(PLAIN),-plain,$(if $(DEBUG),-debug))
	CGO_ENABLED=0 go build -trimpath -o bin/tabard ./backend

run: build ## the demo on embedded SQLite
	go run ./web-demo $(ARGS)

setup: ## what the tests need: Debian and npm packages
	.ci/setup

test: setup build lint ## everything but what takes long
	node --test --test-force-exit --test-concurrency=3 js/
	$(TEST) $(LONGEST) ./...

race: ## the tests of all packages with goroutines of their own, under the race detector
	$(GOTESTSUM) -- $(RACE) -timeout 30m $$(go list ./... | grep -vE '$(DRIVERS)')

test-long: setup build race ## what takes long: the race detector, builds of frameworks and releases, the Worker under the promises, soak, chaos
	$(GOTESTSUM) -- -tags long -timeout 40m -p 2 -parallel 2 -run '$(LONG_TESTS)' $(addprefix ./,$(sort $(dir $(LONG))))
	$(GOTESTSUM) -- -tags long -count=1 -timeout 50m -p 1 ./browser_test/soak ./browser_test/chaos
	$(MAKE) test-plain

test-plain: ## the browser's smoke tests on Go's own runtime and linker output
	$(MAKE) build PLAIN=1
	$(GOTESTSUM) -- -count=1 -run '^(TestP1ATabKeepsItsOrganization|TestP2NoSecondSignIn|TestP3ASwitchIsATransaction|TestP10SignedOutIsOut)$$' ./browser_test/browser
	$(MAKE) build

chaos-short: setup build ## eight seconds under each fault that make chaos has, four minutes in all
	go test -count=1 -timeout 30m -tags long ./browser_test/chaos

chaos: build ## people at work under one kind of fault after the other, three minutes each; it resumes where it ended
	go test -count=1 -timeout 3h -tags long -v ./browser_test/chaos -args -for 3m -people 200 -members 1000000 -results chaos.jsonl $(ARGS)

check: lint ## lint, and every test without a browser or workerd
	node --test --test-force-exit --test-concurrency=3 js/test/ js/server/test/
	$(TEST) ./backend/... ./wasm/... ./web-demo/...

lint: ## gofmt, vet, staticcheck, govulncheck
	.ci/lint

size: ## of module, face and packages
	go run ./js/build size

model: ## every interleaving of a few messages, with the controls that must fail
	go run ./backend/session/proof/model -full

simulate: ## working weeks under this rotation and others': the table
	go run ./backend/session/proof/simulation

mutants: build ## take one defense away at a time, and see its test red; on the same commit it resumes where it ended
	go run ./browser_test/mutants -results bin/mutants.txt $(ARGS)

soak: build ## twenty tabs on a bad network, and a browser that crashes, for half an hour
	go run ./browser_test/soak $(ARGS)

drafts: build ## people who try for an hour to get a draft into another organization
	go run ./browser_test/soak -run Drafts -drafts 1h $(ARGS)

people: build ## two people in one browser for an hour: random acts, faults and crashes
	go run ./browser_test/soak -run People -people 1h $(ARGS)

bench: build ## the server's mints beside their parts, on SQLite and PostgreSQL; a large workspace file
	go test -count=1 -timeout 30m -run '^$$' -bench 'Mint|Sessions|Apply' ./browser_test/bench $(ARGS)

worker: ## the Worker, as wrangler deploys it
	go run ./js/build
	go run ./worker/compile

worker-dev: build ## the demo on workerd and a local D1
	cmp -s worker/package-lock.json worker/node_modules/.installed || { npm ci --prefix worker && cp worker/package-lock.json worker/node_modules/.installed; }
	go build -o bin/tabard-worker ./worker/local
	go run ./web-demo -tabard bin/tabard-worker $(ARGS)

release: build ## binaries, images, the npm tarball, checksums and a bill of materials, in dist
	go run ./backend/deploy/release $(ARGS)

profile: ## what the compiler optimizes the server by
	CGO_ENABLED=0 go test -count=1 -trimpath -run '^$$' -bench Handler -benchtime 10s -cpuprofile $(CURDIR)/backend/default.pgo -o /dev/null ./browser_test/bench

bench-worker: build ## cold start, warm mints, a crowd and memory on workerd, and the upload's size
	go test -run '^$$' -bench 'Worker|Size' -benchtime 1000x ./worker
	go test -run '^$$' -bench Load -timeout 40m -benchtime 400x ./worker
	go test -run '^$$' -bench Distance -timeout 40m -benchtime 30x ./worker
	go test -run '^$$' -bench Steady -timeout 40m -benchtime 5000x ./worker
	go test -run '^$$' -bench Worker/memory -benchtime 5000x ./worker

bench-browser: build ## what a page pays: bytes, time, memory and requests, beside others' clients
	npm ci --prefix browser_test/pagebench --no-audit --no-fund --ignore-scripts --loglevel=error
	go test -run AnHourCosts -v ./wasm/tab | grep requests
	go test -count=1 -timeout 30m -run '^$$' -bench 'Pages|Memory' -benchtime 1x ./browser_test/pagebench $(ARGS)
