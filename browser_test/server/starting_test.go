package server

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// starts is how often replicas start together in a test, so that a rare race shows.
const starts = 11

// addressOf returns a database of the tests' own cluster as the settings name it.
func addressOf(t *testing.T, dsn string) string {
	t.Helper()
	var host, name string
	if _, err := fmt.Sscanf(dsn, "host=%s user=postgres dbname=%s", &host, &name); err != nil {
		t.Fatal(err)
	}
	return "postgres:///" + name + "?" + url.Values{"host": {host}, "user": {"postgres"}}.Encode()
}

// replica starts a server on a database, below an origin, and returns where it listens.
func replica(t *testing.T, origin, database, secretFile, issuer string) (process *program.Process, listens string) {
	t.Helper()
	listens = fmt.Sprintf("127.0.0.1:%d", ports.Hold(t))
	if origin == "" {
		origin = "http://" + strings.Replace(listens, "127.0.0.1", "localhost", 1)
	}
	return program.Start(t, "tabard", []string{"TABARD_DATABASE=" + database, "TABARD_OIDC_CLIENT_SECRET=" + logintest.ClientSecret},
		"serve", "--listen", listens, "--public-url", origin+"/auth", "--secret-file", secretFile,
		"--oidc-issuer", issuer, "--oidc-client-id", logintest.ClientID), listens
}

// ready waits until a replica serves, and reports whether it does.
func ready(t *testing.T, process *program.Process, listens string) bool {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := http.Get("http://" + listens + "/auth/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-process.Ended:
			return false
		case <-t.Context().Done():
			return false
		case <-tick.C:
		}
	}
}

// TestReplicasThatStartTogetherAllServe: three replicas start at once, on a database
// without tables and on one of the previous release.
func TestReplicasThatStartTogetherAllServe(t *testing.T) {
	left := release.Read(t, "0.1", release.Postgres)
	for name, database := range map[string]func(testing.TB) string{"an empty database": pg.Postgres, "tables of 0.1": left.Postgres} {
		for i := range starts {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				address := addressOf(t, database(t))
				var group sync.WaitGroup
				for range 3 {
					process, listens := replica(t, "", address, left.SecretFile(t), "http://127.0.0.1:1")
					group.Go(func() {
						if !ready(t, process, listens) {
							t.Error("a replica does not serve")
						}
					})
				}
				group.Wait()
			})
		}
	}
}

// TestMigration_ConcurrentCommands: SQLite lets one process in at a time.
func TestMigration_ConcurrentCommands(t *testing.T) {
	tabard := program.Path(t, "tabard")
	for range starts {
		database := "sqlite:" + filepath.Join(t.TempDir(), "tabard.db")
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if out, err := exec.Command(tabard, "migrate", "--database", database).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		group.Wait()
	}
}

// running is a server on PostgreSQL, with a browser that is signed in there.
type running struct {
	dsn     string
	browser *httpbrowser.Browser
}

func startRunning(t *testing.T) running {
	t.Helper()
	var provider http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	provider = logintest.New(t, server.URL)
	r := running{dsn: pg.Postgres(t)}
	_, secret := secretFile(t)
	origin := fmt.Sprintf("http://localhost:%d", ports.Hold(t))
	process, listens := replica(t, origin, addressOf(t, r.dsn), secret, server.URL)
	if !ready(t, process, listens) {
		t.Fatal("the server does not serve")
	}
	workspace := filepath.Join(t.TempDir(), "workspace.yaml")
	program.Write(t, workspace, `issuer: `+server.URL+`
apps: [{id: web, name: Web, origins: ["`+origin+`"], audience: api}]
organizations: [{id: org_acme, slug: acme, name: Acme, members: [{sub: alice, roles: []}]}]
`)
	if out, err := exec.Command(program.Path(t, "tabard"), "apply", workspace, "--database", addressOf(t, r.dsn)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	backend, err := url.Parse("http://" + listens)
	if err != nil {
		t.Fatal(err)
	}
	r.browser = httpbrowser.New(t, origin, origin+"/auth")
	r.browser.Transport = redirected{strings.TrimPrefix(origin, "http://"), backend.Host}
	r.browser.SignIn("alice")
	return r
}

// redirected sends requests for a host to the address of its server.
type redirected struct{ host, to string }

func (d redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == d.host {
		to := *r.URL
		to.Host = d.to
		r = r.Clone(r.Context())
		r.Host, r.URL = d.host, &to
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestMintsGoOnWhileAMigrationWaits: an ALTER TABLE waits behind a transaction that has
// read the table and does not end, and every later statement waits behind the ALTER
// TABLE.
func TestMintsGoOnWhileAMigrationWaits(t *testing.T) {
	r := startRunning(t)
	mint := func() {
		if got := r.browser.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	mint()
	long, err := pgx.Connect(t.Context(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close(context.Background())
	if _, err := long.Exec(t.Context(), "BEGIN; SELECT COUNT(*) FROM sessions"); err != nil {
		t.Fatal(err)
	}
	look, err := pgx.Connect(t.Context(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(context.Background())
	count := func(query string) (n int) {
		if err := look.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const waiting = `SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`

	migrated := make(chan error, 1)
	go func() { migrated <- later(t, r.dsn) }()
	attempts, slowest, waited := 0, time.Duration(0), false
	for attempts < 2 { // the ALTER TABLE waits, gives way, and waits again
		if now := count(waiting) > 0; now && !waited {
			attempts, waited = attempts+1, true
		} else if !now {
			waited = false
		}
		began := time.Now()
		mint()
		slowest = max(slowest, time.Since(began))
		select {
		case err := <-migrated:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
	}
	t.Logf("the slowest mint took %v", slowest)
	if _, err := long.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if n := count(`SELECT COUNT(*) FROM information_schema.columns WHERE table_name = 'sessions' AND column_name = 'later'`); n != 1 {
		t.Error("the migration was not applied")
	}
	mint()
}

// later applies a migration that this release does not have.
func later(t *testing.T, dsn string) error {
	files := fstest.MapFS{"9999_later.sql": {Data: []byte("-- +goose Up\n\nALTER TABLE sessions ADD COLUMN later TEXT NOT NULL DEFAULT '';\n")}}
	own, err := fs.Glob(sqlstore.Migrations, sqlstore.Postgres.Migrations+"/*.sql")
	if err != nil {
		return err
	}
	for _, name := range own {
		text, err := fs.ReadFile(sqlstore.Migrations, name)
		if err != nil {
			return err
		}
		files[path.Base(name)] = &fstest.MapFile{Data: text}
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = migrate.Migrator{Dialect: sqlstore.Postgres, Files: files}.Up(t.Context(), db)
	return err
}

// TestServer_WaitsForDatabase: server and database start with the machine, and the
// database takes longer. Until then the server says that it lives and is not ready, and
// sends requests elsewhere at once.
func TestServer_WaitsForDatabase(t *testing.T) {
	dsn, listens := pg.Postgres(t), fmt.Sprintf("127.0.0.1:%d", ports.Hold(t))
	var socket, name string
	if _, err := fmt.Sscanf(dsn, "host=%s user=postgres dbname=%s", &socket, &name); err != nil {
		t.Fatal(err)
	}
	_, secret := secretFile(t)
	process, server := replica(t, "", "postgres://postgres@"+listens+"/"+name, secret, "http://127.0.0.1:1")
	process.Await(t, "waiting for the database")
	for path, want := range map[string]string{
		"/healthz": `200 "" {"status":"ok"}`, "/readyz": `503 "" {"status":"unavailable","failed":"starting"}`,
		"/session": `503 "1" {"error":"temporarily_unavailable","error_description":"The server is starting. Try again.","retry_after":1,"reason":"starting"}`,
	} {
		if got := answer(t, "http://"+server+"/auth"+path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	forward(t, listens, filepath.Join(socket, ".s.PGSQL.5432"))
	if !ready(t, process, server) {
		t.Error("it does not serve")
	}
}

// answer returns status, Retry-After and body of what an address answers within five
// seconds: requests wait two seconds for a server that starts.
func answer(t *testing.T, address string) string {
	t.Helper()
	response, err := (&http.Client{Timeout: 5 * time.Second}).Get(address)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %q %s", response.StatusCode, response.Header.Get("Retry-After"), strings.TrimSpace(string(body)))
}

// forward connects the clients of an address to a socket.
func forward(t *testing.T, address, socket string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", socket)
			if err != nil {
				from.Close()
				continue
			}
			go func() { io.Copy(to, from); to.Close() }()
			go func() { io.Copy(from, to); from.Close() }()
		}
	}()
}
