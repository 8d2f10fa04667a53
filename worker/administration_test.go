//go:build !js && long

package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestAdministrationOnD1 runs each administration operation once on a database that
// only wrangler and the Worker reach.
func TestAdministrationOnD1(t *testing.T) {
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	publicURL := origin + "/auth"
	issuer := contract.Provider(t, publicURL, origin)
	variables := workerd.Variables(publicURL, issuer, contract.ClientID, contract.ClientSecret)
	key, script := adminKey(t, variables)
	state := workerd.Database(t, contract.Desired(issuer, origin))
	workerd.Must(t, workerd.Fill(state, script))
	workerd.Run(t, workerd.Options{Port: port, State: state, Variables: variables})

	a := admin{t, publicURL + "/admin/v1", key}
	organization := a.mustSucceed("POST", "/organizations", `{"slug":"initech-new","name":"Initech"}`)["id"].(string)
	a.mustFail("POST", "/organizations", `{"slug":"initech-new","name":"Initech"}`, http.StatusConflict)
	a.mustSucceed("PATCH", "/organizations/"+organization, `{"name":"Initech Ltd"}`)
	a.mustSucceed("PUT", "/organizations/"+organization+"/policy", `{"idle_timeout":600}`)
	a.mustSucceed("PUT", "/policy", `{"access_ttl":60}`)
	a.mustSucceed("PUT", "/policy", `{}`)
	member := a.mustSucceed("POST", "/organizations/"+organization+"/members", `{"iss":"https://id.example","sub":"zoe"}`)["user_id"].(string)
	members := "/organizations/" + organization + "/members/"
	for _, act := range []string{"disable", "enable"} {
		a.mustSucceed("POST", members+member+"/"+act, "")
		a.mustSucceed("POST", "/users/"+member+"/"+act, "")
		a.mustSucceed("POST", "/organizations/"+organization+"/"+act, "")
	}
	a.mustSucceed("DELETE", members+member+"/sessions", "")
	a.mustSucceed("DELETE", members+member, "")
	a.mustFail("DELETE", members+member, "", http.StatusNotFound)
	connection := a.mustSucceed("POST", "/organizations/"+organization+"/connections",
		`{"issuer":"https://id.initech.example","client_id":"tabard","client_secret":"hush"}`)["id"].(string)
	a.mustSucceed("POST", "/organizations/"+organization+"/connections/"+connection+"/enable", "")
	a.mustSucceed("DELETE", "/organizations/"+organization+"/connections/"+connection, "")
	created := a.mustSucceed("POST", "/keys", `{"name":"another","organization":"initech-new","expires_in":3600}`)
	own := admin{t, a.url, created["secret"].(string)}
	own.mustSucceed("GET", "/organizations/"+organization, "")
	own.mustFail("GET", "/organizations/acme", "", http.StatusNotFound)
	own.mustFail("GET", "/users", "", http.StatusForbidden)
	a.mustSucceed("DELETE", "/keys/"+created["id"].(string), "")
	own.mustFail("GET", "/organizations/"+organization, "", http.StatusUnauthorized)
	for _, list := range []string{"/organizations", "/users", "/keys", "/audit", "/organizations/acme/members", "/organizations/acme/sessions",
		"/organizations/" + organization + "/audit", "/organizations/acme/connections", "/users/" + member + "/sessions"} {
		a.mustSucceed("GET", list+"?limit=1", "")
	}
	a.mustSucceed("DELETE", "/users/"+member+"/sessions", "")
	a.mustSucceed("DELETE", "/organizations/"+organization, "")
	a.mustFail("GET", "/organizations/"+organization, "", http.StatusNotFound)
	if events := a.mustSucceed("GET", "/audit?limit=200&action=key.create", "")["items"].([]any); len(events) != 2 {
		t.Errorf("%d keys were made, says the trail: %v", len(events), events)
	}
}
