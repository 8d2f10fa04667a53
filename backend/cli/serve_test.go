package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// logged reads a server's log.
type logged struct {
	t     *testing.T
	lines *bufio.Scanner
}

// until reads on to the record with that message.
func (l *logged) until(message string) map[string]any {
	l.t.Helper()
	for l.lines.Scan() {
		record := map[string]any{}
		if err := json.Unmarshal(l.lines.Bytes(), &record); err != nil {
			l.t.Fatalf("%v: %s", err, l.lines.Text())
		}
		if record["msg"] == message {
			return record
		}
	}
	l.t.Fatalf("the log ended without %q", message)
	return nil
}

// served is a server that a test runs.
type served struct {
	*logged
	address string // where it listens
	logs    io.Reader
	cancel  context.CancelFunc
	ended   chan error
}

// startServer runs a server, and returns when it serves.
func startServer(t *testing.T, s *settings) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	logs, w := io.Pipe()
	r := &served{logged: &logged{t, bufio.NewScanner(logs)}, logs: logs, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		err := serve(ctx, s, w)
		w.CloseWithError(err)
		r.ended <- err
	}()
	r.address = r.until("serving")["listen"].(string)
	return r
}

// unread lets the server write what the test does not read.
func (r *served) unread() { go io.Copy(io.Discard, r.logs) }

// stop stops the server, as a signal does, and fails the test if it ends with an error.
func (r *served) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.ended; err != nil {
		r.t.Errorf("it ended with %v", err)
	}
}

// stopped stops the server and reads on to its last line.
func (r *served) stopped() {
	r.t.Helper()
	r.cancel()
	r.until("stopped")
	r.stop()
}

// settingsFor parses a command line of serve.
func settingsFor(t *testing.T, args ...string) *settings {
	t.Helper()
	var s settings
	allSettingsOf(&s)
	if err := s.flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if wrong := s.check(); wrong != nil {
		t.Fatal(wrong)
	}
	return &s
}

// serverSettings are those of a server on this machine, in a folder of its own.
func serverSettings(t *testing.T, further ...string) *settings {
	t.Helper()
	args, _ := given("database", "sqlite:"+filepath.Join(t.TempDir(), "tabard.db"))
	return settingsFor(t, append(append(args, "--listen", "127.0.0.1:0"), further...)...)
}

func TestServeStartsAnswersAndStops(t *testing.T) {
	server := startServer(t, serverSettings(t))
	for _, page := range []string{"/auth/readyz", "/auth/metrics"} {
		response, err := http.Get("http://" + server.address + page)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: it answers %s", page, response.Status)
		}
	}
	server.stopped()
}

func TestShutdownLetsARequestFinish(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	underWay, finish := make(chan bool), make(chan bool)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		underWay <- true
		<-finish
		io.WriteString(w, "finished")
	})
	ctx, stop := context.WithCancel(t.Context())
	logs, w := io.Pipe()
	log := slog.New(slog.NewJSONHandler(w, nil))
	ended := make(chan error, 1)
	go func() {
		ended <- gracefulStop{&host.Readiness{}, 0, func() {}}.run(ctx, enter(listener, handler, log), log)
		w.Close()
	}()
	answered := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-underWay
	stop()
	said := &logged{t, bufio.NewScanner(logs)}
	said.until("stopping: waiting for running requests to finish")
	close(finish)
	said.until("stopped")
	if got := <-answered; got != "finished" {
		t.Errorf("the request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestATakenPortStopsTheStartBeforeAnythingIsMade(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := serverSettings(t, "--listen", taken.Addr().String())
	err = serve(t.Context(), s, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "--listen: ") || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("the error is %v", err)
	}
	folder := filepath.Dir(strings.TrimPrefix(s.database, sqlitePrefix))
	if made, err := os.ReadDir(folder); err != nil || len(made) > 0 {
		t.Errorf("it made %v: %v", made, err)
	}
}

// A server records which secret it has, and its end: the replacement of the secret waits
// for the servers that run.
func TestAServerTellsWhichSecretItHas(t *testing.T) {
	s := serverSettings(t)
	server := startServer(t, s)
	store, err := s.openExisting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	secret, err := s.secret()
	if err != nil {
		t.Fatal(err)
	}
	seen := func() signingkey.ReplicaKey {
		t.Helper()
		all, err := store.SecretKeys(t.Context())
		if err != nil || len(all) != 1 || all[0].ID != mustIDs(t, secret)[0] || all[0].Index != 0 {
			t.Fatalf("%+v: %v", all, err)
		}
		return all[0]
	}
	if now := time.Now().Unix(); !seen().IsAlive(now) {
		t.Errorf("it does not live: %+v", seen())
	}
	server.stopped()
	if now := time.Now().Unix(); seen().IsAlive(now) {
		t.Errorf("it lives on: %+v", seen())
	}
}

func TestAServerWhoseSecretWasLostDoesNotStart(t *testing.T) {
	s := serverSettings(t)
	startServer(t, s).stopped()
	if err := os.Remove(s.secretPath()); err != nil {
		t.Fatal(err)
	}
	err := serve(t.Context(), s, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "the secret that it was sealed under is missing") {
		t.Errorf("the error is %v", err)
	}
}
