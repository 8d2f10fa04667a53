package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
)

// TestReload_SaysWhatIsNew: a server that reads an unchanged file again says so, and of a
// file that systemd copied, what it takes to give it another.
func TestReload_SaysWhatIsNew(t *testing.T) {
	file := newSecretFile(t, t.TempDir())
	s := serverSettings(t, "--secret-file", file)
	logs := &bytes.Buffer{}
	server, secret, err := s.newServer(logs)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.store.Close()
	if err := server.load(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	defer server.unload()
	ids := func() string {
		secret, err := readSecret(file)
		if err != nil {
			t.Fatal(err)
		}
		all, err := secret.IDs()
		if err != nil {
			t.Fatal(err)
		}
		return `"` + strings.Join(all, `","`) + `"`
	}
	reload := func(want string) {
		t.Helper()
		logs.Reset()
		server.reload(t.Context())
		if said := logs.String(); !strings.Contains(said, want) {
			t.Errorf("it said %s, not %s", said, want)
		}
	}
	reload(`"msg":"secrets reloaded: unchanged","secret":[` + ids() + `]`)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(file))
	reload(`"level":"WARN","msg":"secrets reloaded: unchanged, since systemd copies them when it starts the server (LoadCredential): for new ones restart it"`)
	if _, _, err := tabard(t, "secret", "rotate", "--offline", "--secret-file", file); err != nil {
		t.Fatal(err)
	}
	reload(`"msg":"secrets reloaded","secret":[` + ids() + `],"secret_changed":true`)
	if _, _, err := tabard(t, "secret", "epoch", "--secret-file", file); err != nil {
		t.Fatal(err)
	}
	reload(`"secret_changed":true`)
}

// TestServe_AnotherSecret: a replica with another secret file than the others says which
// setting it is, and what to do.
func TestServe_AnotherSecret(t *testing.T) {
	s := serverSettings(t, "--secret-file", newSecretFile(t, t.TempDir()))
	startServer(t, s).stopped()
	_, text := signingkey.NewSecret()
	if err := os.WriteFile(s.secretFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	err := serve(t.Context(), s, &bytes.Buffer{})
	if err == nil || !strings.HasPrefix(err.Error(), "--secret-file: the database's signing keys were sealed under another secret: give this replica the file that the others have") {
		t.Errorf("it ended with %v", err)
	}
}

// TestServe_StoppedWhileItWaits: a server that is stopped before its database answers ends
// without an error, and without one about the address.
func TestServe_StoppedWhileItWaits(t *testing.T) {
	args, _ := given("database", "postgres://tabard@127.0.0.1:1/tabard")
	s := settingsFor(t, append(args, "--listen", "127.0.0.1:0", "--secret-file", newSecretFile(t, t.TempDir()))...)
	ctx, cancel := context.WithCancel(t.Context())
	logs := &waiting{cancel: cancel}
	if err := serve(ctx, s, logs); err != nil || !strings.Contains(logs.String(), "stopped while it waited for the database") {
		t.Errorf("it ended with %v: %s", err, logs.String())
	}
}

// waiting cancels as soon as a server says that it waits.
type waiting struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (w *waiting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "waiting for the database") {
		w.cancel()
	}
	return w.Buffer.Write(p)
}

// TestServe_HeldDatabase: the start of a server that answers nobody does not read like
// that of one that serves, and the doctor blames no proxy.
func TestServe_HeldDatabase(t *testing.T) {
	d, listen := deploy(t)
	d.describe(t, strings.TrimSuffix(d.publicURL, "/auth"))
	path := strings.TrimPrefix(d.database, sqlitePrefix)
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	moved := signingkey.EpochMoved(`PostgreSQL, "tabard" at 10.0.0.31:5432, as "tabard"`)
	for _, test := range []struct{ epoch, log, finds string }{
		{signingkey.EpochOfRestore + "x", "the database was restored from a backup; run: tabard restore --accept", "readiness: problem: the server is not ready: the database was restored and is not accepted"},
		{moved, `this database was moved to PostgreSQL, \"tabard\" at 10.0.0.31:5432, as \"tabard\" by tabard move; give the server that one`, "database: problem: it is not served: this database was moved to PostgreSQL"},
	} {
		if err := store.SetEpoch(t.Context(), test.epoch); err != nil {
			t.Fatal(err)
		}
		logs := &bytes.Buffer{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- serve(ctx, settingsFor(t, d.args("--listen", listen)...), logs) }()
		findings := ""
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			answer, err := http.Get("http://" + listen + "/auth/readyz")
			if err != nil {
				continue
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err == nil && !strings.Contains(string(body), "starting") {
				findings, _ = examined(t, d.args())
				break
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, want := range []string{test.finds, "public address: look: " + d.publicURL + ": this backend answers there, and is not ready"} {
			if !strings.Contains(findings, want) {
				t.Errorf("%q is not among\n%s", want, findings)
			}
		}
		if said := logs.String(); !strings.Contains(said, fmt.Sprintf(`"level":"WARN","msg":"listening, but no request is answered","cause":"%s`, test.log)) || strings.Contains(said, `"msg":"serving"`) {
			t.Errorf("it said %s", said)
		}
	}
	store.Close()
}

// TestServe_CannotListen: what helps is said beside the system's words.
func TestServe_CannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): "another program has this port",
		"192.0.2.1:8787":      "pass an address of this machine",
	} {
		args, _ := given("listen", address)
		err := serve(t.Context(), settingsFor(t, append(args, "--secret-file", newSecretFile(t, t.TempDir()))...), io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), "--listen: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: it ended with %v", address, err)
		}
	}
}

// TestBackup_SaysWhichFile: of a backup's two files, the one that is wrong is named.
func TestBackup_SaysWhichFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "tabard.db")
	if _, _, err := tabard(t, "migrate", "--database", sqlitePrefix+path); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ from, to, want string }{
		{path, filepath.Join(folder, "absent", "backup.db"), filepath.Join(folder, "absent", "backup.db") + " cannot be written: "},
		{path, filepath.Join(folder, "absent", "backup.db"), "; make the folder first"},
		{filepath.Join(folder, "other.db"), filepath.Join(folder, "backup.db"), "--database: there is no database " + filepath.Join(folder, "other.db")},
	} {
		_, _, err := tabard(t, "backup", test.to, "--database", sqlitePrefix+test.from)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "is --database right") {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
	}
}
