# Names for what can be done here; each is a command or two.

.PHONY: build run test lint size setup model simulate breaks worker worker-dev

GOTESTSUM   = go run gotest.tools/gotestsum@v1.13.0

build: ## the browser module and face (js/dist), and bin/tabard
	go run ./js/build
	CGO_ENABLED=0 go build -trimpath -o bin/tabard ./backend

run: build ## the demo on embedded SQLite
	go run ./web-demo $(ARGS)

setup: ## what the tests need: Debian and npm packages
	.ci/setup

test: setup build lint ## everything
	node --test js/
	$(GOTESTSUM) --format pkgname -- -race -timeout 20m ./...

lint: ## gofmt, vet, staticcheck, govulncheck
	.ci/lint

size: ## of module, face and packages
	go run ./js/build size

model: ## every interleaving of a few messages, with the controls that must fail
	go run ./backend/session/model -full

simulate: ## working weeks under this rotation and others': the table
	go run ./backend/session/simulation

breaks: build ## take one defence away at a time, and see its test red
	go run ./browser_test/breaks

worker: ## the Worker as it is deployed, without deploying it
	go run ./js/build
	npm ci --prefix worker
	cd worker && npx wrangler deploy --dry-run --outdir build

worker-dev: build ## the demo on workerd and a local D1
	npm ci --prefix worker
	go build -o bin/tabard-worker ./worker/local
	go run ./web-demo -tabard bin/tabard-worker $(ARGS)
