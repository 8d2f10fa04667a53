package deploy_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// promtool runs Prometheus' own tool on a copy of the rules and their tests.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	folder := t.TempDir()
	for _, file := range []string{"alerts.yml", "testdata/alerts_test.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("promtool", args...)
	command.Dir = folder
	if said, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

func TestAlerts_PromtoolReadsTheRules(t *testing.T) {
	promtool(t, "check", "rules", "--lint-fatal", "alerts.yml")
}

func TestAlerts_FireWhenTheyShould(t *testing.T) {
	promtool(t, "test", "rules", "alerts_test.yml")
}

// TestAlerts_AskForMetricsThatThereAre reads the metrics of a server, of which each label
// that a rule selects by has to be one.
func TestAlerts_AskForMetricsThatThereAre(t *testing.T) {
	rules, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secret, _ := signingkey.NewSecret()
	ring := signingkey.NewKeyRing(store, secret, signingkey.ES256)
	m := metrics.New()
	m.Watch(store, func() *signingkey.KeyRing { return ring })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/token", func(http.ResponseWriter, *http.Request) {})
	m.Count(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/auth/token", nil))
	page := httptest.NewRecorder()
	m.Page().ServeHTTP(page, httptest.NewRequest(http.MethodGet, metrics.Path, nil))

	selector := regexp.MustCompile(`\b(tabard_[a-z_]+)(?:\{([^}]*)\})?`)
	label := regexp.MustCompile(`([a-z]+)(=~|!=|=)"([^"]*)"`)
	expressions := regexp.MustCompile(`(?m)^\s*(#|description:|summary:|- job_name).*$`).ReplaceAll(rules, nil)
	found := selector.FindAllSubmatch(expressions, -1)
	if len(found) < 12 {
		t.Fatalf("only %d metrics are asked for", len(found))
	}
	for _, f := range found {
		name, lines := string(f[1]), ""
		for line := range strings.Lines(page.Body.String()) {
			if strings.HasPrefix(line, name+"{") || strings.HasPrefix(line, name+" ") {
				lines += line
			}
		}
		if lines == "" {
			t.Errorf("there is no %s", name)
		}
		for _, l := range label.FindAllSubmatch(f[2], -1) {
			if want := string(l[1]) + `="` + string(l[3]) + `"`; !strings.Contains(lines, string(l[1])+`="`) ||
				bytes.Equal(l[2], []byte("=")) && name != "tabard_requests_total" && !strings.Contains(lines, want) {
				t.Errorf("%s has no %s, so that its first event would make no difference", name, want)
			}
		}
	}
}
