package workerd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Installed is an error where Node or the npm packages are missing.
func Installed() error {
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(Folder(), "node_modules", "wrangler", "package.json"))
	}
	if err != nil {
		return fmt.Errorf("%w\nThe Worker needs Node and its npm packages: npm ci --prefix worker", err)
	}
	return nil
}

// Migrate brings the local database of a state folder up to date with wrangler, as a
// deployment does.
func Migrate(state string) error {
	if entries, err := os.ReadDir(state); err == nil && len(entries) == 0 {
		empty, err := emptyState()
		if err != nil {
			return err
		}
		return os.CopyFS(state, os.DirFS(empty))
	}
	return migrate(state)
}

// emptyState is the state of a database that has the schema only, made once.
var emptyState = sync.OnceValues(func() (string, error) {
	state, err := os.MkdirTemp("", "tabard-d1-")
	if err != nil {
		return "", err
	}
	return state, migrate(state)
})

func migrate(state string) error {
	_, err := Wrangler("d1", "migrations", "apply", "tabard", "--local", "--persist-to", state)
	return err
}

// Apply applies a workspace to the database of a state folder.
func Apply(state string, d directory.Desired) error {
	script, err := sqlstore.Script(d, time.Now().Unix())
	if err != nil {
		return err
	}
	return Execute(state, script)
}

// Execute runs statements on the database of a state folder.
func Execute(state, script string) error {
	file, err := os.CreateTemp("", "tabard-*.sql")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := file.WriteString(script); err != nil {
		return err
	}
	_, err = Wrangler("d1", "execute", "tabard", "--local", "--persist-to", state, "--file", file.Name())
	return err
}
