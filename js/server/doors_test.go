//go:build long

package server

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/token/tokentest"
	"github.com/tabard-auth/tabard/browser_test/kit/overhttp"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestAdapters_AgreeWithTheVectors sends the vectors to routes of each framework by HTTP.
// The verdicts are those of Go: TestSharedVectors_OverHTTP sends them to a Go API.
func TestAdapters_AgreeWithTheVectors(t *testing.T) {
	npm(t)
	folder, err := filepath.Abs("vectors")
	if err != nil {
		t.Fatal(err)
	}
	issuer := tokentest.NewIssuer() // of which the APIs here know nothing
	t.Cleanup(issuer.Close)
	for name, start := range map[string][]string{
		"Express":         {"testdata/doors/express.js"},
		"Fastify":         {"testdata/doors/fastify.js"},
		"Hono on workerd": {"workerd/serve.js", "ENTRY=../testdata/doors/worker.js"},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, issuer, start[0], append(start[1:], "VECTORS="+folder)...)
			overhttp.Try(t, "../..", strings.TrimPrefix(address, "http://"))
		})
	}
}

// TestNext_AgreesWithTheVectors does so with routes of Next, built with the packed package.
func TestNext_AgreesWithTheVectors(t *testing.T) {
	npm(t)
	app := filepath.Join(t.TempDir(), "app")
	if err := os.CopyFS(app, os.DirFS("testdata/doors/next")); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"testdata/doors/doors.js": "shared.js", "vectors/tokens.json": "tokens.json", "vectors/requests.json": "requests.json"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(app, to), string(text))
	}
	packed := strings.TrimSpace(run(t, ".", "npm", "pack", "--silent", "--pack-destination", app))
	run(t, app, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", packed)
	run(t, app, "node_modules/.bin/next", "build")
	port := ports.Hold(t)
	command := exec.Command("node", "node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1", "--port", fmt.Sprint(port))
	command.Dir = app
	command.Env = append(os.Environ(), "NEXT_TELEMETRY_DISABLED=1")
	program.Run(t, "next", command).Await(t, "Ready in")
	// Node's IncomingMessage.headers, of which Next makes its Request, has the first of two
	// Authorization headers alone.
	overhttp.Try(t, "../..", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)), "two tokens")
}
