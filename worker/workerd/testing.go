package workerd

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
	"github.com/tabard-auth/tabard/backend/store/storetest/serverlog"
)

// Start builds the Worker, makes it a database, and runs it until the test ends.
func Start(t testing.TB, o Options) *Process {
	t.Helper()
	Must(t, Build())
	o.State = Database(t, o.Desired)
	if o.Script != "" {
		Must(t, Fill(o.State, o.Script))
	}
	return Run(t, o)
}

// Run runs the built Worker until the test ends.
func Run(t testing.TB, o Options) *Process {
	t.Helper()
	log := &Log{}
	w, err := Launch(o, log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() {
		w.Stop()
		serverlog.Report(t, "workerd", log.String())
	})
	return findProcess(w.node.Process.Pid)
}

// Database makes a local database for a test, with a workspace, as Migrate and Apply do.
func Database(t testing.TB, d directory.Desired) string {
	t.Helper()
	Must(t, Installed())
	state := scratch.Dir(t)
	Must(t, Migrate(state))
	script, err := sqlstore.Script(d, time.Now().Unix())
	Must(t, err)
	Must(t, Fill(state, script))
	return state
}

// Must fails the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Log keeps the output of a Worker.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
