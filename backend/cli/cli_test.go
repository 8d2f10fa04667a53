package cli

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

func TestMain(m *testing.M) {
	testscript.Main(unset{m}, map[string]func(){"tabard": func() { os.Exit(Run()) }})
}

// unset runs the tests without the settings of the machine that runs them.
type unset struct{ *testing.M }

func (u unset) Run() int {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, environmentPrefix) {
			os.Unsetenv(name)
		}
	}
	return u.M.Run()
}

// TestTranscripts runs the command line as people do.
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"signin": signIn,
			"retire": retire,
			"status": status,
			"schema": schema,
			"begin":  begin,
			"adopt":  adopt,
		},
	})
}

// signIn is the transcripts' command "signin FILE SUB NAME": a person signs in to
// the workspace whose database is FILE.
func signIn(ts *testscript.TestScript, _ bool, args []string) {
	store, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	defer store.Close()
	_, err = store.SignIn(context.Background(), directory.User{
		ID: "usr_" + args[1], Issuer: "https://id.example.com", Subject: args[1],
		Name: args[2], Email: args[1] + "@example.com",
	}, 1_800_000_000)
	ts.Check(err)
}

// begin is the transcripts' command "begin FILE SUB N": that user of the workspace whose
// database is FILE begins N sessions.
func begin(ts *testscript.TestScript, _ bool, args []string) {
	store, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	defer store.Close()
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	now := time.Now().Unix()
	for range n {
		id := session.NewID()
		_, row := session.First(id, session.NewTokenID(), now)
		ts.Check(store.Create(context.Background(), session.Session{
			ID: id, App: "app", UserID: "usr_" + args[1], Secret: session.NewSecret(), Row: row,
			CreatedAt: now, ExpiresAt: now + 3600, SignIn: policy.Authentication{Time: now}, Attempt: directory.NewID(""),
		}))
	}
}

// adopt is the transcripts' command "adopt FILE SECRET": as the first start of a server
// does, it gives the database FILE its epoch, by the secret's file SECRET, and shows that it
// is served.
func adopt(ts *testscript.TestScript, _ bool, args []string) {
	store, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	defer store.Close()
	ts.Check(makeSecret(ts.MkAbs(args[1])))
	secret, err := readSecret(ts.MkAbs(args[1]))
	ts.Check(err)
	_, err = store.Epoch(context.Background(), secret.Epoch())
	ts.Check(err)
	ts.Check(store.ProbeWrite(context.Background(), time.Now().Unix()))
}

// retire is the transcripts' command "retire STAGE": it runs tabard signing-keys retire
// with the key of that stage.
func retire(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("tabard", "signing-keys", "list"))
	id := regexp.MustCompile(`(?m)^(\S+) +\S+ +` + args[0] + ` `).FindStringSubmatch(ts.ReadFile("stdout"))
	if id == nil {
		ts.Fatalf("no key is %s", args[0])
	}
	ts.Check(ts.Exec("tabard", "signing-keys", "retire", id[1]))
}

// status is the transcripts' command "status N COMMAND…": the command ends with N.
func status(ts *testscript.TestScript, _ bool, args []string) {
	var ended *exec.ExitError
	got := 0
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("it ended with %d, want %s", got, want)
	}
}

// schema is the transcripts' command "schema FILE N": the database FILE has the migrations
// up to N; those beyond this release's are empty.
func schema(ts *testscript.TestScript, _ bool, args []string) {
	last, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	files := fstest.MapFS{}
	names, err := fs.Glob(sqlstore.Migrations, sqlstore.SQLite.Migrations+"/*.sql")
	ts.Check(err)
	for _, name := range names {
		text, err := fs.ReadFile(sqlstore.Migrations, name)
		ts.Check(err)
		if version, err := goose.NumericComponent(name); err == nil && version <= last {
			files[path.Base(name)] = &fstest.MapFile{Data: text}
		}
	}
	if last > int64(len(names)) {
		files[args[1]+"_later.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n\nSELECT 1;\n")}
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = migrate.Migrator{Dialect: sqlstore.SQLite, Files: files}.Up(context.Background(), db)
	ts.Check(err)
}

// tabard runs a command in this process.
func tabard(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	command := newCommand()
	command.SetArgs(args)
	command.SetOut(&out)
	command.SetErr(&errs)
	err = command.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// provider starts the development provider, which knows one client.
func provider(t *testing.T, publicURL string) (issuer string) {
	t.Helper()
	listener, err := idp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer = "http://" + listener.Addr().String()
	handler, err := idp.New(idp.Config{
		Issuer: issuer, ClientID: "tabard", ClientSecret: "a secret", RedirectURIs: []string{publicURL + "/callback"},
		People: []idp.Person{{Subject: "alice", Name: "Alice", Email: "alice@example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	serving(t, listener, handler)
	return issuer
}

func serving(t *testing.T, listener net.Listener, handler http.Handler) {
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
}
