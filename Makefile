# Names for what can be done here; each is a command or two.

.PHONY: build run test lint size setup

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
