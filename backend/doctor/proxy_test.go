package doctor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/probe"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
)

// balanced is replicas behind a balancer that chooses each the like number of times, with
// clocks that are so many seconds ahead.
func balanced(t *testing.T, secret signingkey.Secret, ahead map[string]int64) string {
	t.Helper()
	var names []string
	for name := range ahead {
		names = append(names, name)
	}
	var n atomic.Int64
	begun := time.Now()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/auth"+probe.Path {
			faults{}.backend(w, r)
			return
		}
		name := names[int(n.Add(1)/2)%len(names)] // the first two requests meet one
		clock := func() time.Time { return time.Unix(now+ahead[name], 0).Add(time.Since(begun)) }
		probe.Answerer{Server: probe.Server{PublicURL: server.URL + "/auth", Secret: secret}, Replica: name, Now: clock}.
			Answer(w, r, probe.Way{Sender: "127.0.0.1", Client: "127.0.0.1"})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/auth"
}

// living lets replicas be known in a database.
func living(t *testing.T, secret signingkey.Secret, replicas ...string) func(context.Context) (*inspect.Database, error) {
	t.Helper()
	database := stored(t, app("http://127.0.0.1:1"))
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	ids, err := secret.IDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range replicas {
		if err := d.Store.RecordSecretKeys(t.Context(), name, ids, now, now); err != nil {
			t.Fatal(err)
		}
	}
	return database
}

func TestReplicas_AClockThatIsOffIsFoundAmongMany(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	for _, test := range []struct {
		ahead   map[string]int64
		known   []string
		want    string // a regular expression: seconds may pass between two answers
		unmeets bool
	}{
		{map[string]int64{"a": 0, "b": 3, "c": -3}, []string{"a", "b", "c"}, `ok clock: the clocks of the replicas that were met \(3\) agree`, false},
		{map[string]int64{"a": 0, "b": 0, "c": 0, "d": 0, "e": -7}, []string{"a", "b", "c", "d", "e"}, `warning clock: the clock of replica e is [5-9] s behind`, false},
		{map[string]int64{"a": 0, "b": 120, "c": 0}, []string{"a", "b", "c"}, `problem clock: the clock of replica b is 1(19|2\d) s ahead`, false},
		{map[string]int64{"a": 0, "b": -4000}, nil, `problem clock: the clock of replica b is (399\d|400\d) s behind`, false},
		{map[string]int64{"a": 0}, []string{"a", "b"}, `look clock: in 32 requests these replicas were not met: b → One that was killed counts as running for [0-9] minutes`, true},
	} {
		findings := examine(t, doctor.Config{
			PublicURL: balanced(t, secret, test.ahead), Database: living(t, secret, test.known...), Secret: &secret,
		})
		if !regexp.MustCompile(test.want).MatchString(findings) || !test.unmeets && strings.Contains(findings, "were not met:") {
			t.Errorf("%v: %q is not among\n%s", test.ahead, test.want, findings)
		}
	}
}

// TestClientFiles_OfTwoReleases: while replicas are upgraded, a page asks one for the files
// of another. That is no fault of the proxy.
func TestClientFiles_OfTwoReleases(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1) % 2; {
		case r.URL.Path == "/auth/client/module.json":
			fmt.Fprintf(w, `{"wasm":{"url":"module.%d.wasm"},"exec":{"url":"exec.%d.js"}}`, n, n)
		default:
			faults{}.backend(w, r)
		}
	}))
	defer server.Close()
	findings := examine(t, doctor.Config{PublicURL: server.URL + "/auth"})
	if want := "warning client files: the servers are of more than one release"; !strings.Contains(findings, want) || strings.Contains(findings, "does not arrive") {
		t.Errorf("%q is not alone among\n%s", want, findings)
	}
}

func TestReadiness_WhatFailsIsNamed(t *testing.T) {
	for said, want := range map[string]string{
		`{"status":"ok"}`: "ok readiness: the server is ready",
		`{"status":"unavailable","failed":"write"}`:            "problem readiness: the server is not ready: no write lands in its database: the disk is full",
		`{"status":"unavailable","failed":"database"}`:         "problem readiness: the server is not ready: its database does not answer",
		`{"status":"unavailable","failed":"schema"}`:           "problem readiness: the server is not ready: its database lacks migrations",
		`{"status":"unavailable","failed":"signing_keys"}`:     "problem readiness: the server is not ready: no signing key opens",
		`{"status":"unavailable","failed":"what comes later"}`: "problem readiness: the server is not ready (503",
		`<html>`: "look readiness: whether the server is ready cannot be seen (503",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/auth/readyz" {
				faults{}.backend(w, r)
				return
			}
			if !strings.Contains(said, `"ok"`) {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			fmt.Fprint(w, said)
		}))
		if findings := examine(t, doctor.Config{PublicURL: server.URL + "/auth"}); !strings.Contains(findings, want) {
			t.Errorf("%s: %q is not among\n%s", said, want, findings)
		}
		server.Close()
	}
}

// TestProxy_IsNotBlamedForAServerThatIsNotReady: a server without its database lets some
// requests wait.
func TestProxy_IsNotBlamedForAServerThatIsNotReady(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	for said, want := range map[string]string{
		`{"status":"unavailable","failed":"database"}`: "look proxy: whether POST, DELETE and OPTIONS requests reach the server cannot be seen",
		`{"status":"ok"}`: "problem proxy: POST requests do not reach the server: 404",
	} {
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/auth/readyz":
				if !strings.Contains(said, `"ok"`) {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				fmt.Fprint(w, said)
			case "/auth" + probe.Path:
				probe.Answerer{Server: probe.Server{PublicURL: server.URL + "/auth", Secret: secret}, Replica: "a", Now: func() time.Time { return time.Unix(now, 0) }}.
					Answer(w, r, probe.Way{Sender: "127.0.0.1", Client: "127.0.0.1"})
			default:
				faults{}.backend(w, r)
			}
		}))
		findings := examine(t, doctor.Config{PublicURL: server.URL + "/auth", Secret: &secret})
		if blamed := strings.Contains(findings, "POST requests do not reach"); !strings.Contains(findings, want) || blamed == strings.HasPrefix(want, "look") {
			t.Errorf("%s: %q is not among\n%s", said, want, findings)
		}
		server.Close()
	}
}

// TestPublicAddress_AServerWithoutItsDatabaseIsNoProxyThatHidesPaths: it answers 503 to
// everything.
func TestPublicAddress_AServerWithoutItsDatabaseIsNoProxyThatHidesPaths(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status":"unavailable","failed":"database","error":"temporarily_unavailable"}`)
	}))
	defer server.Close()
	findings := examine(t, doctor.Config{PublicURL: server.URL + "/auth"})
	for want, is := range map[string]bool{"this backend answers there, and is not ready": true, "its database does not answer": true, "paths with a dot": false} {
		if strings.Contains(findings, want) != is {
			t.Errorf("%q: %v\n%s", want, !is, findings)
		}
	}
}

// TestPublicAddress_AnAppIsNoServer: the app may answer every path in JSON.
func TestPublicAddress_AnAppIsNoServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"app":"ours"}`)
	}))
	defer server.Close()
	findings := examine(t, doctor.Config{PublicURL: server.URL + "/auth"})
	if want := "this backend does not answer there: it answers 200 OK (application/json) without an issuer"; !strings.Contains(findings, want) {
		t.Errorf("%q is not among\n%s", want, findings)
	}
}

func TestDatabase_DiskAndPooler(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	bytes := func(n uint64) *uint64 { return &n }
	for _, test := range []struct {
		free          *uint64
		pooler, named bool
		want          string
	}{
		{bytes(0), false, false, "problem disk: it is full: the database's disk has 0 MB left"},
		{bytes(500 << 20), false, false, "warning disk: the database's disk has 500 MB left"},
		{bytes(5 << 30), false, false, "ok disk: the database's disk has 5 GB left"},
		{nil, true, false, "look database: a pooler, such as PgBouncer, stands before it"},
		{nil, true, true, "problem database: a pooler, such as PgBouncer, stands before it, and --database has statements sent by name"},
	} {
		findings := examine(t, doctor.Config{Database: func(ctx context.Context) (*inspect.Database, error) {
			d, err := database(ctx)
			if err == nil {
				d.Free, d.Pooler, d.Named = test.free, test.pooler, test.named
			}
			return d, err
		}})
		if !strings.Contains(findings, test.want) {
			t.Errorf("%q is not among\n%s", test.want, findings)
		}
	}
}
