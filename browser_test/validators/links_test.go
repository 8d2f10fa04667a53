package validators

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

// linksInTypeScript opens the links that it is given, and prints what each answer says, and
// links of its own.
const linksInTypeScript = `
import { createGuard, createVerifier } from "../../js/server/index.js";
import { createLinks } from "../../js/server/links.js";
const { issuer, audience, key, token, addresses, opened } = JSON.parse(process.argv[1]);
const guard = createGuard(createVerifier({ issuer, audience }));
const links = createLinks(guard, { keys: [new TextEncoder().encode(key)] });
const serve = links.protect({}, async (_, { organization, claims }) => new Response(organization + " " + claims.sub + " " + claims.sid + " " + claims.evt));
const ask = async (link) => (await serve(new Request("https://api.example.com" + link))).text();
const admission = await guard.admit(new Request("https://api.example.com/", { headers: { Authorization: "Bearer " + token } }));
console.log(JSON.stringify({
  said: await Promise.all(opened.map(ask)),
  made: await Promise.all(addresses.map((address) => links.make(admission, "GET", address))),
}));
`

// TestLinks_GoAndTypeScript checks that links that either package makes are opened by the
// other, at their own address alone.
func TestLinks_GoAndTypeScript(t *testing.T) {
	issuer := tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	config := issuer.Config()
	verifier, err := token.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const key = "a key of links that has 32 bytes"
	links, err := resource.NewLinks(guard, resource.LinksConfig{Keys: [][]byte{[]byte(key)}})
	if err != nil {
		t.Fatal(err)
	}
	claims := issuer.Claims("org_acme")
	claims.Event = 7
	raw := issuer.Sign(claims)
	var table struct{ Taken []string }
	text, err := os.ReadFile("../../js/server/vectors/links.json")
	if err != nil || json.Unmarshal(text, &table) != nil {
		t.Fatal(err)
	}
	addresses := table.Taken
	r := httptest.NewRequest(http.MethodGet, "https://api.example.com/", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	if r, err = guard.Admit(r, resource.Rule{}); err != nil {
		t.Fatal(err)
	}
	var opened []string
	for _, address := range addresses {
		made, err := links.Make(r.Context(), http.MethodGet, address)
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, made)
	}
	opened = append(opened, "/other"+opened[0])
	given, err := json.Marshal(map[string]any{"issuer": config.Issuer, "audience": config.Audience, "key": key, "token": raw, "addresses": addresses, "opened": opened})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("node", "--input-type=module", "-e", linksInTypeScript, string(given)).CombinedOutput()
	var answer struct{ Said, Made []string }
	if err != nil || json.Unmarshal(out, &answer) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const served, refused = "org_acme usr_test ses_test 7", `{"error":"invalid_link","error_description":"invalid_link"}`
	for i, said := range answer.Said {
		if want := map[bool]string{true: refused, false: served}[i == len(addresses)]; said != want {
			t.Errorf("%s: %s", opened[i], said)
		}
	}
	serve := links.Protect(resource.Rule{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := resource.ClaimsFrom(r.Context())
		w.Write([]byte(c.OrganizationID + " " + c.Subject + " " + c.SessionID + " 7"))
	}))
	for _, made := range answer.Made {
		recorder := httptest.NewRecorder()
		serve.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://api.example.com"+made, nil))
		if recorder.Body.String() != served {
			t.Errorf("%s: %s", made, recorder.Body)
		}
	}
}
