package contract_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/contract"
)

func TestContract_InProcess(t *testing.T) {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	origin := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	target := contract.Target{PublicURL: origin + "/auth", Origin: origin}
	issuer := contract.Provider(t, target.PublicURL, origin)
	target.Issuer = issuer

	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secret, _ := signingkey.NewSecret()
	if _, err := store.Apply(t.Context(), contract.Seal(contract.Scripted(issuer, origin), secret), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	contract.VerifyIn(t, store)
	office := admin.New(admin.Config{Store: store, Secret: secret, Now: time.Now})
	target.Keys = map[string]string{}
	for _, app := range []string{"demo", "reports"} {
		k, err := office.CreateKey(t.Context(), admin.Actor{ID: audit.CommandLine}, admin.NewKey{Kind: admin.WorkspaceAPI, Name: app, App: app})
		if err != nil {
			t.Fatal(err)
		}
		target.Keys[app] = k.Secret
	}
	for name, kind := range contract.OtherKeys {
		k, err := office.CreateKey(t.Context(), admin.Actor{ID: audit.CommandLine}, admin.NewKey{Kind: kind, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		target.Keys[name] = k.Secret
	}
	handler, err = host.New(host.Config{
		PublicURL: target.PublicURL, Secret: secret,
		Provider: login.Config{Issuer: issuer, ClientID: contract.ClientID, ClientSecret: contract.ClientSecret},
		Tenants:  login.NewTransport(true), LoopbackConnections: true,
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	contract.Run(t, target)
}

func TestContract_OnTheServer(t *testing.T) {
	contract.Run(t, contract.StartServer(t).Target)
}

func TestContract_OriginsOnTheServer(t *testing.T) {
	contract.RunOrigins(t, contract.StartServerWithOrigins(t).Target)
}
