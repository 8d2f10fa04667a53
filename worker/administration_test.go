//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	administration "github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestAdministrationOnD1 goes once through what administration keeps, in a database
// that only wrangler and the Worker reach.
func TestAdministrationOnD1(t *testing.T) {
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	publicURL := origin + "/auth"
	issuer := contract.Provider(t, publicURL, origin)
	variables := workerd.Variables(publicURL, issuer, contract.ClientID, contract.ClientSecret)
	secret, err := signingkey.ParseSecret(variables["TABARD_SECRET"])
	workerd.Must(t, err)

	office := administration.New(administration.Config{Secret: secret, Now: time.Now})
	by := administration.Actor{ID: audit.CommandLine}
	k, key, err := office.DraftKey(by, administration.NewKey{Name: "first"}, "")
	workerd.Must(t, err)
	state := workerd.Database(t, contract.Desired(issuer, origin))
	workerd.Must(t, workerd.Execute(state, sqlstore.KeyScript(k, administration.KeyCreated(by, k))))
	workerd.Run(t, workerd.Options{Port: port, State: state, Variables: variables})

	a := admin{t, publicURL + "/admin/v1", key}
	organization := a.does("POST", "/organizations", `{"slug":"initech-new","name":"Initech"}`)["id"].(string)
	a.refuses("POST", "/organizations", `{"slug":"initech-new","name":"Initech"}`, http.StatusConflict)
	a.does("PATCH", "/organizations/"+organization, `{"name":"Initech Ltd"}`)
	a.does("PUT", "/organizations/"+organization+"/policy", `{"idle_timeout":600}`)
	a.does("PUT", "/policy", `{"access_ttl":60}`)
	a.does("PUT", "/policy", `{}`)
	member := a.does("POST", "/organizations/"+organization+"/members", `{"iss":"https://id.example","sub":"zoe"}`)["user_id"].(string)
	members := "/organizations/" + organization + "/members/"
	for _, act := range []string{"disable", "enable"} {
		a.does("POST", members+member+"/"+act, "")
		a.does("POST", "/users/"+member+"/"+act, "")
		a.does("POST", "/organizations/"+organization+"/"+act, "")
	}
	a.does("DELETE", members+member+"/sessions", "")
	a.does("DELETE", members+member, "")
	a.refuses("DELETE", members+member, "", http.StatusNotFound)
	connection := a.does("POST", "/organizations/"+organization+"/connections",
		`{"issuer":"https://id.initech.example","client_id":"tabard","client_secret":"hush"}`)["id"].(string)
	a.does("POST", "/organizations/"+organization+"/connections/"+connection+"/enable", "")
	a.does("DELETE", "/organizations/"+organization+"/connections/"+connection, "")
	created := a.does("POST", "/keys", `{"name":"another","organization":"initech-new","expires_in":3600}`)
	own := admin{t, a.url, created["secret"].(string)}
	own.does("GET", "/organizations/"+organization, "")
	own.refuses("GET", "/organizations/acme", "", http.StatusNotFound)
	own.refuses("GET", "/users", "", http.StatusForbidden)
	a.does("DELETE", "/keys/"+created["id"].(string), "")
	own.refuses("GET", "/organizations/"+organization, "", http.StatusUnauthorized)
	for _, list := range []string{"/organizations", "/users", "/keys", "/audit", "/organizations/acme/members", "/organizations/acme/sessions",
		"/organizations/" + organization + "/audit", "/organizations/acme/connections", "/users/" + member + "/sessions"} {
		a.does("GET", list+"?limit=1", "")
	}
	a.does("DELETE", "/users/"+member+"/sessions", "")
	a.does("DELETE", "/organizations/"+organization, "")
	a.refuses("GET", "/organizations/"+organization, "", http.StatusNotFound)
	if events := a.does("GET", "/audit?limit=200&action=key.create", "")["items"].([]any); len(events) != 2 {
		t.Errorf("%d keys were made, says the trail: %v", len(events), events)
	}
}

// admin asks the administration API with a key.
type admin struct {
	t        *testing.T
	url, key string
}

func (a admin) ask(method, path, body string) (int, string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	workerd.Must(a.t, err)
	r.Close = true // workerd closes idle connections
	r.Header.Set("Authorization", "Bearer "+a.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	workerd.Must(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	workerd.Must(a.t, err)
	return response.StatusCode, string(text)
}

func (a admin) does(method, path, body string) map[string]any {
	a.t.Helper()
	status, text := a.ask(method, path, body)
	got := map[string]any{}
	if status >= 300 || text != "" && json.Unmarshal([]byte(text), &got) != nil {
		a.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return got
}

func (a admin) refuses(method, path, body string, want int) {
	a.t.Helper()
	if status, text := a.ask(method, path, body); status != want {
		a.t.Errorf("%s %s: %d %s, want %d", method, path, status, text, want)
	}
}
