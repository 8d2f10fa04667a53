// Package release reads the state that past releases left in browsers and databases, as
// browser_test/upgrade/testdata keeps it, for tests that later releases go on with it.
package release

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// Left is the state that a release left, except the database.
type Left struct {
	// MadeAt is the time of the last write, in Unix seconds. Tests read the state at
	// that time, so that it never expires.
	MadeAt int64 `json:"made_at"`
	// Browsers holds browsers without a window, by a description.
	Browsers map[string]httpbrowser.Kept `json:"browsers"`
	// Attempt is the provider's page in the browser "at the provider".
	Attempt string `json:"attempt"`
	// Tokens holds answers of POST /token, by their purpose.
	Tokens map[string]struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	} `json:"tokens"`
	// APIKeys holds API keys, by name.
	APIKeys map[string]string `json:"api_keys"`
	// Server is the session that another app's server holds.
	Server struct {
		Access  string `json:"access"`
		Refresh string `json:"refresh"`
	} `json:"held by the server of reports"`
	// Chromium is the state of a real browser.
	Chromium struct {
		Tabs []struct {
			Organization   string            `json:"organization"`
			SessionStorage map[string]string `json:"sessionStorage"`
			Token          string            `json:"token"`
		} `json:"tabs"`
		Cookies      []httpbrowser.KeptCookie `json:"cookies"`
		LocalStorage map[string]string        `json:"localStorage"`
		IndexedDB    json.RawMessage          `json:"indexedDB"`
	} `json:"chromium"`

	Secret signingkey.Secret `json:"-"`
	folder string
}

// The databases that releases were run on.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Folder is where the fixtures lie, from a folder of browser_test.
const Folder = "../upgrade/testdata"

// Read reads the state that a release, such as "0.1", left with a database of this
// kind.
func Read(t testing.TB, release, database string) *Left {
	t.Helper()
	l := &Left{folder: filepath.Join(Folder, "release-"+release, database)}
	if err := json.Unmarshal(l.read(t, "held.json"), l); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.Secret, err = signingkey.ParseSecret(string(l.read(t, "secret"))); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Left) read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// SecretFile writes the server's secret into a file of the test's own, and returns its
// path.
func (l *Left) SecretFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, l.read(t, "secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Now returns the time at which tests read the state: a second after it was written.
func (l *Left) Now() time.Time { return time.Unix(l.MadeAt+1, 0) }

// SQLite writes the database into a file of the test's own, and returns its path.
func (l *Left) SQLite(t testing.TB) string {
	t.Helper()
	return lite.FileOf(t, string(l.read(t, "database.sql")))
}

// Postgres writes the database into an empty one, and returns its connection string.
func (l *Left) Postgres(t testing.TB) (dsn string) {
	t.Helper()
	return pg.PostgresOf(t, string(l.read(t, "database.sql")))
}
