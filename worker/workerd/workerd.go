// Package workerd runs the Worker for tests and benchmarks: the real program on the
// real runtime, with a D1 database of its own.
package workerd

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/keys"
)

// Options are what a Worker runs with.
type Options struct {
	// Port is where it listens, on 127.0.0.1; see FreePort.
	Port int
	// Entry is its script, a path below the folder worker; "" means entry.mjs.
	Entry string
	// Variables are its variables and secrets; see Variables.
	Variables map[string]string
	// Desired is applied to its database.
	Desired directory.Desired
	// Limits are its rate limits by name; those that are not named are out of reach.
	Limits map[string]int
	// State is the folder of its database; Start makes one.
	State string
}

// Variables are those that the Worker needs.
func Variables(publicURL, issuer, clientID, clientSecret string) map[string]string {
	_, secret := keys.NewSecret()
	return map[string]string{
		"TABARD_PUBLIC_URL": publicURL, "TABARD_SECRET": secret, "TABARD_OIDC_ISSUER": issuer,
		"TABARD_OIDC_CLIENT_ID": clientID, "TABARD_OIDC_CLIENT_SECRET": clientSecret,
	}
}

// Folder is the folder worker of the checkout.
func Folder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}

// FreePort returns a port on which nothing listens.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Start builds the Worker and runs it until the test ends.
func Start(t testing.TB, o Options) *Process {
	t.Helper()
	Build(t)
	o.State = Database(t, o.Desired)
	return Run(t, o)
}

// Run runs what is built, with the state of o.State.
func Run(t testing.TB, o Options) *Process {
	t.Helper()
	Installed(t)
	if o.Entry == "" {
		o.Entry = "entry.mjs"
	}
	node := exec.Command("node", "workerd/start.mjs")
	node.Dir = Folder()
	input, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	node.Stderr = log
	if err := node.Start(); err != nil {
		t.Fatalf("workerd: %v; Node runs it", err)
	}
	t.Cleanup(func() {
		input.Close() // which ends it
		node.Wait()
		if t.Failed() {
			t.Logf("workerd said:\n%s", log)
		}
	})
	options, err := json.Marshal(map[string]any{
		"config": filepath.Join(Folder(), "wrangler.jsonc"), "root": Folder(), "entry": o.Entry,
		"port": o.Port, "variables": o.Variables, "state": o.State, "limits": o.Limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := input.Write(append(options, '\n')); err != nil {
		t.Fatalf("workerd: %v\n%s", err, log)
	}
	serves(t, output, log)
	return child(node.Process.Pid)
}

// serves waits until the Worker serves, and goes on reading what it says.
func serves(t testing.TB, output io.Reader, log *lines) {
	t.Helper()
	ready := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		once := sync.OnceFunc(func() { close(ready) })
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			if scanner.Text() == "serving" {
				once()
				continue
			}
			log.Write(append(scanner.Bytes(), '\n'))
		}
	}()
	select {
	case <-ready:
	case <-ended:
		t.Fatalf("workerd ended\n%s", log)
	case <-time.After(time.Minute):
		t.Fatalf("workerd does not serve\n%s", log)
	}
}

// lines keeps what a program says.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
