package bench

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/limits"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/contract"
)

// startHandler serves the backend's handler in this process, and returns it.
func startHandler(b testing.TB, database string) (*loadedServer, http.Handler) {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	b.Cleanup(server.Close)
	origin := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	target := contract.Target{PublicURL: origin + "/auth", Origin: origin}
	issuer := contract.Provider(b, target.PublicURL, origin)
	store, err := openStore(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	if _, err := store.Apply(b.Context(), contract.Desired(issuer, origin), time.Now().Unix()); err != nil {
		b.Fatal(err)
	}
	secret, _ := signingkey.NewSecret()
	counted := metrics.New()
	handler, err = host.New(host.Config{
		PublicURL: target.PublicURL, Secret: secret,
		Provider: login.Config{Issuer: issuer, ClientID: contract.ClientID, ClientSecret: contract.ClientSecret},
		Log:      slog.New(counted.Log(slog.NewJSONHandler(io.Discard, nil))),
	}, counted.Store(store))
	if err != nil {
		b.Fatal(err)
	}
	client := limits.Client{Address: netip.MustParseAddr("192.0.2.1")}
	handler = limits.New(limits.Most{Refused: 1 << 20, SignIns: 1 << 20, Session: 1 << 20}, nil).Wrap("/auth", func(*http.Request) limits.Client { return client }, handler)
	handler = counted.Count(handler)
	return newLoadedServer(b, target, secret, database), handler
}
