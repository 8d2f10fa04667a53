package metrics_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

func scrape(m *metrics.Metrics) string {
	page := httptest.NewRecorder()
	m.Page().ServeHTTP(page, httptest.NewRequest(http.MethodGet, metrics.Path, nil))
	return page.Body.String()
}

// slow is a database whose count takes a minute.
type slow struct {
	counts int64
	err    error
}

func (s *slow) PoolStats() sql.DBStats {
	return sql.DBStats{MaxOpenConnections: 8, InUse: 3, Idle: 2, WaitCount: 5, WaitDuration: 1500 * time.Millisecond}
}

func (s *slow) CountLive(context.Context, int64, int64) (int64, error) {
	s.counts++
	n := s.counts
	time.Sleep(30 * time.Second)
	return n * 100, s.err
}

func TestWatch_CountsSessionsRarelyAndMakesNobodyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		database, m := &slow{}, metrics.New()
		m.Watch(database, func() *signingkey.KeyRing { return nil })
		for _, step := range []struct {
			pass time.Duration
			want string // "" is not known yet
		}{{0, ""}, {10 * time.Second, ""}, {21 * time.Second, "100"}, {4 * time.Minute, "100"}, {time.Minute, "100"}, {31 * time.Second, "200"}} {
			time.Sleep(step.pass)
			synctest.Wait()
			begun := time.Now()
			text := scrape(m)
			if time.Since(begun) > 0 {
				t.Errorf("the metrics took %v", time.Since(begun))
			}
			if got := value(text, "tabard_sessions_live"); got != step.want {
				t.Errorf("%q sessions, want %q", got, step.want)
			}
		}
		database.err = errors.New("away")
		time.Sleep(10 * time.Minute)
		scrape(m)
		time.Sleep(time.Minute)
		if got := value(scrape(m), "tabard_sessions_live"); got != "200" {
			t.Errorf("with a database that is away: %q", got)
		}
	})
}

func value(page, name string) string {
	if found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (.*)$`).FindStringSubmatch(page); found != nil {
		return found[1]
	}
	return ""
}

func TestWatch_Pool(t *testing.T) {
	m := metrics.New()
	m.Watch(&slow{}, func() *signingkey.KeyRing { return nil })
	page := scrape(m)
	for name, want := range map[string]string{
		`tabard_database_connections{state="in_use"}`: "3", `tabard_database_connections{state="idle"}`: "2",
		"tabard_database_connections_max": "8", "tabard_database_connection_waits_total": "5",
		"tabard_database_connection_wait_seconds_total": "1.5",
	} {
		if got := value(page, name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	if strings.Contains(page, "tabard_signing_key_age_seconds ") {
		t.Error("a key that nobody has has an age")
	}
}

func TestWatch_SigningKeyAge(t *testing.T) {
	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secret, _ := signingkey.NewSecret()
	ring := signingkey.NewKeyRing(store, secret, signingkey.ES256)
	if _, err := ring.Signing(t.Context(), "", 0, time.Now().Add(-time.Hour).Unix()); err != nil {
		t.Fatal(err)
	}
	m := metrics.New()
	m.Watch(store, func() *signingkey.KeyRing { return ring })
	if age := value(scrape(m), "tabard_signing_key_age_seconds"); !strings.HasPrefix(age, "36") || len(strings.Split(age, ".")[0]) != 4 {
		t.Errorf("a key of an hour is %q seconds old", age)
	}
}

type answering struct{ err error }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Body: http.NoBody}, a.err
}

func TestProvider_Duration(t *testing.T) {
	m := metrics.New()
	r := httptest.NewRequest(http.MethodGet, "https://id.example.com/", nil)
	for _, err := range []error{nil, nil, errors.New("away")} {
		m.Provider(metrics.ProviderWorkspace, answering{err}).RoundTrip(r)
	}
	m.Provider(metrics.ProviderConnection, answering{}).RoundTrip(r)
	page := scrape(m)
	for labels, want := range map[string]string{
		`outcome="answered",provider="workspace"`: "2", `outcome="failed",provider="workspace"`: "1",
		`outcome="answered",provider="connection"`: "1", `outcome="failed",provider="connection"`: "0",
	} {
		if got := value(page, "tabard_provider_request_duration_seconds_count{"+labels+"}"); got != want {
			t.Errorf("%s: %q, want %s", labels, got, want)
		}
	}
}
