package workerd

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// install tells how to get what is missing; tests fail without it.
const install = "\nThe Worker's npm packages are needed: npm ci --prefix worker"

// Database makes a local D1 database as deployments are told to: wrangler applies
// the migrations, then the script of a workspace. It returns the folder of its
// state.
func Database(t testing.TB, d directory.Desired) string {
	t.Helper()
	Installed(t)
	empty, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	if err := os.CopyFS(state, os.DirFS(empty)); err != nil {
		t.Fatal(err)
	}
	Apply(t, state, d)
	return state
}

// Apply applies a workspace to the database whose state lies in a folder.
func Apply(t testing.TB, state string, d directory.Desired) {
	t.Helper()
	script, err := sqlstore.Script(d, time.Now().Unix())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "workspace.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Wrangler("d1", "execute", "tabard", "--local", "--persist-to", state, "--file", file); err != nil {
		t.Fatal(err)
	}
}

// migrated is the state of a database with the schema and nothing else.
var migrated = sync.OnceValues(func() (string, error) {
	state, err := os.MkdirTemp("", "tabard-d1-")
	if err != nil {
		return "", err
	}
	_, err = Wrangler("d1", "migrations", "apply", "tabard", "--local", "--persist-to", state)
	return state, err
})

// Installed fails a test where Node or the npm packages are missing.
func Installed(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatalf("%v%s", err, install)
	}
	if _, err := os.Stat(filepath.Join(Folder(), "node_modules", "wrangler", "package.json")); err != nil {
		t.Fatalf("%v%s", err, install)
	}
}
