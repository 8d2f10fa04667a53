package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// Server is the server binary with the scripts' workspace and provider.
type Server struct {
	Target
	Database string // as --database names it
	Secret   signingkey.Secret
	Listen   string // the address that it listens at
	process  *program.Process
	secret   string // the file that Secret is in
}

// StartServer starts the server binary on a SQLite file until the test ends.
func StartServer(t testing.TB) *Server {
	t.Helper()
	return StartServerOn(t, embedded(t))
}

// StartServerOn starts the server binary on an empty database until the test ends.
func StartServerOn(t testing.TB, database string) *Server {
	t.Helper()
	port := ports.Hold(t)
	return startServer(t, port, fmt.Sprintf("http://localhost:%d", port), database)
}

// StartServerBehind is [StartServer] for a server that browsers reach through a
// front on another origin, which forwards /auth/ to Listen.
func StartServerBehind(t testing.TB, origin string) *Server {
	t.Helper()
	return startServer(t, ports.Hold(t), origin, embedded(t))
}

func embedded(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "tabard.db") }

func startServer(t testing.TB, port int, origin, database string) *Server {
	t.Helper()
	s := &Server{
		Target:   Target{PublicURL: origin + "/auth", Origin: origin},
		Database: database,
		Listen:   fmt.Sprintf("127.0.0.1:%d", port),
		secret:   filepath.Join(t.TempDir(), "secret"),
	}
	var text string
	s.Secret, text = signingkey.NewSecret()
	if err := os.WriteFile(s.secret, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Issuer = Provider(t, s.PublicURL, origin)
	s.apply(t)
	s.verifyDomain(t)
	s.Keys = map[string]string{"demo": s.serverKey(t, "demo"), "reports": s.serverKey(t, "reports")}
	for name, kind := range OtherKeys {
		s.Keys[name] = s.newKey(t, name, string(kind))
	}
	s.Restart(t)
	return s
}

// Restart starts the server again after Kill.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.process = program.Start(t, "tabard", []string{"TABARD_OIDC_CLIENT_SECRET=" + ClientSecret}, "serve",
		"--listen", s.Listen, "--public-url", s.PublicURL, "--database", s.Database, "--secret-file", s.secret,
		"--oidc-issuer", s.Issuer, "--oidc-client-id", ClientID, "--loopback-connections")
	Ready(t, "http://"+s.Listen+"/auth")
}

// PID returns the id of the server's process.
func (s *Server) PID() int { return s.process.PID() }

// verifyDomain verifies northwind's domain without DNS.
func (s *Server) verifyDomain(t testing.TB) {
	t.Helper()
	var store *sqlstore.Store
	var err error
	if file, embedded := strings.CutPrefix(s.Database, "sqlite:"); embedded {
		store, err = sqlite.Open(t.Context(), file)
	} else {
		store, err = postgres.Open(t.Context(), s.Database)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	VerifyIn(t, store)
}

// VerifyIn verifies northwind's domain without DNS.
func VerifyIn(t testing.TB, store *sqlstore.Store) {
	t.Helper()
	d, err := store.Domain(t.Context(), "org_northwind", Domain)
	if err != nil {
		t.Fatal(err)
	}
	if verified, err := store.VerifyDomain(t.Context(), d, time.Now().Unix()); err != nil || !verified {
		t.Fatal(verified, err)
	}
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() { s.process.Kill() }

// apply applies the scripts' workspace from a file, as JSON, which is a subset of YAML.
func (s *Server) apply(t testing.TB) {
	t.Helper()
	text, err := json.Marshal(fileOf(Scripted(s.Issuer, s.Origin)))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "workspace.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	apply := exec.Command(program.Path(t, "tabard"), "apply", file, "--database", s.Database, "--secret-file", s.secret)
	apply.Env = append(os.Environ(), clientSecretVariable+"="+ClientSecret)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("tabard apply: %v\n%s", err, out)
	}
}
