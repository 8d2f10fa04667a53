package server

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// answers of a token endpoint that break, and what the log says of each.
var brokenAnswers = map[string]struct {
	answer http.HandlerFunc
	says   string
}{
	"endless": {func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(bytes.Repeat([]byte(" "), 32<<10)); err != nil {
				return
			}
		}
	}, "its token endpoint"},
	"slow": {func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			http.NewResponseController(w).Flush()
			<-tick.C
		}
	}, "its token endpoint"},
	"swelling": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 300 {
			z.Write(make([]byte, 1<<20))
		}
		z.Close()
	}, "its token endpoint"},
	"redirecting": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example/token", http.StatusTemporaryRedirect)
	}, "answers 307"},
	"cut": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"id_token":`)
	}, "unexpected EOF"},
	"down": {func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"error":"temporarily_unavailable","error_description":"moving house"}`)
	}, "503: temporarily_unavailable: moving house"},
}

// TestProvider_BrokenAnswers: whatever a provider answers, each person gets a page that
// leads on within the server's time, the log has the provider's words, the metric counts,
// and the process stays small.
func TestProvider_BrokenAnswers(t *testing.T) {
	var broken sync.Map // by code
	var provider *logintest.Provider
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, ok := broken.Load(r.FormValue("code")); ok && r.URL.Path == "/token" {
			answer.(http.HandlerFunc)(w, r)
			return
		}
		provider.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	provider = logintest.New(t, server.URL)
	_, secret := secretFile(t)
	origin := fmt.Sprintf("http://localhost:%d", ports.Hold(t))
	database := "sqlite:" + filepath.Join(t.TempDir(), "tabard.db")
	process, listens := replica(t, origin, database, secret, server.URL)
	if !ready(t, process, listens) {
		t.Fatal("the server does not serve")
	}
	applyAcme(t, database, server.URL, origin)
	browser := func() *httpbrowser.Browser {
		b := httpbrowser.New(t, origin, origin+"/auth")
		b.Transport = redirected{strings.TrimPrefix(origin, "http://"), listens}
		return b
	}
	browser().SignIn("alice") // the metadata and keys are read
	before := residentMB(t, process.PID())
	var group sync.WaitGroup
	for name, test := range brokenAnswers {
		for range 4 {
			b := browser()
			answer := provider.SignIn(b.Login("return_to=/notes").URL.String(), "alice")
			broken.Store(answer.Get("code"), test.answer)
			group.Go(func() {
				began := time.Now()
				got := b.Step(origin + "/auth/callback?" + answer.Encode())
				if took := time.Since(began); got.Status != http.StatusServiceUnavailable || !strings.Contains(got.Body, ">Try again</a>") || took > 29*time.Second {
					t.Errorf("%s: %d after %v: %s", name, got.Status, took, got.Body)
				}
			})
		}
	}
	group.Wait()
	for name, test := range brokenAnswers {
		if process.Count(test.says) == 0 {
			t.Errorf("%s: the log does not say %q", name, test.says)
		}
	}
	if after := residentMB(t, process.PID()); after > before+100 {
		t.Errorf("the server grew from %d to %d MB", before, after)
	}
	checkFaults(t, listens, 4*len(brokenAnswers))
	browser().SignIn("alice")
}

// applyAcme applies a workspace with one organization and one member, alice.
func applyAcme(t *testing.T, database, issuer, origin string) {
	t.Helper()
	workspace := filepath.Join(t.TempDir(), "workspace.yaml")
	program.Write(t, workspace, `issuer: `+issuer+`
apps: [{id: web, name: Web, origins: ["`+origin+`"], audience: api}]
organizations: [{id: org_acme, slug: acme, name: Acme, members: [{sub: alice, roles: []}]}]
`)
	if out, err := exec.Command(program.Path(t, "tabard"), "apply", workspace, "--database", database).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// checkFaults checks how often the metrics say that the provider was away.
func checkFaults(t *testing.T, listens string, times int) {
	t.Helper()
	metrics, err := http.Get("http://" + listens + "/auth/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer metrics.Body.Close()
	text, _ := io.ReadAll(metrics.Body)
	if want := fmt.Sprintf(`tabard_provider_faults_total{what="away"} %d`, times); !strings.Contains(string(text), want) {
		t.Errorf("the metrics do not say %s: %s", want, regexp.MustCompile(`tabard_provider_faults.*`).FindAllString(string(text), -1))
	}
}

// residentMB returns the most memory that a process has had, in MB.
func residentMB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
