package workerd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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

// emptyState is the state of a database that has the schema only. It is made once for
// each schema and wrangler, and kept in the folder of the build.
var emptyState = sync.OnceValues(func() (string, error) {
	digest, err := schemaDigest()
	if err != nil {
		return "", err
	}
	builds := filepath.Join(Folder(), "build")
	kept := filepath.Join(builds, "d1-"+digest)
	if _, err := os.Stat(kept); err == nil {
		return kept, nil
	}
	if err := os.MkdirAll(builds, 0o755); err != nil {
		return "", err
	}
	state, err := os.MkdirTemp(builds, "d1-new-")
	if err != nil {
		return "", err
	}
	if err := migrate(state); err != nil {
		return "", errors.Join(err, os.RemoveAll(state))
	}
	if err := os.Rename(state, kept); err != nil { // another process was faster
		return kept, os.RemoveAll(state)
	}
	return kept, nil
})

// schemaDigest names the migrations and the release of wrangler that applies them.
func schemaDigest() (string, error) {
	h := sha256.New()
	wrangler, err := os.ReadFile(filepath.Join(Folder(), "node_modules", "wrangler", "package.json"))
	if err != nil {
		return "", err
	}
	h.Write(wrangler)
	files, err := filepath.Glob(filepath.Join(Folder(), "../backend/store/sqlstore/migrations/sqlite/*.sql")) // as wrangler.jsonc says
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

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
