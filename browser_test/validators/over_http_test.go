package validators

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/overhttp"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestSharedVectors_OverHTTP sends the vectors to the routes of a Go API, as the tests of
// @tabard/server send them to those of its frameworks.
func TestSharedVectors_OverHTTP(t *testing.T) {
	var tokens tokenFile
	var requests requestFile
	read(t, sharedTokens, &tokens)
	read(t, sharedRequests, &requests)
	doors := map[string]http.Handler{}
	for kind, organizations := range map[string]bool{overhttp.Plain: false, overhttp.Organizations: true} {
		guard, err := resource.NewGuard(tokens.verifier(t, organizations), resource.Config{})
		if err != nil {
			t.Fatal(err)
		}
		doors[kind] = guard.Protect(resource.Rule{Demand: token.Demand{Lent: true}}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}
	for i, s := range requests.Vectors {
		doors[strconv.Itoa(i)] = requests.handler(t, s, nil)
	}
	serve := func(w http.ResponseWriter, r *http.Request) { doors[r.Header.Get(overhttp.Header)].ServeHTTP(w, r) }
	mux := http.NewServeMux()
	for _, pattern := range []string{"/organizations/{organization}/notes", "/organisations/{organisation}/notes", "/"} {
		mux.HandleFunc(pattern, serve)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	overhttp.Try(t, "../..", strings.TrimPrefix(server.URL, "http://"))
}

// pythonDoors serves a note below the organizations' paths, by the clock of the vectors.
const pythonDoors = `
import json, sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
import handler, tabard

def verifier_of(name):
    file = json.load(open(name))
    keys = tabard.Keys("")
    keys.fetch = lambda: json.dumps(file["keys"][file["issuer"] + "/.well-known/jwks.json"])
    return tabard.Verifier(file["issuer"], file["audience"], keys, file["leeway"], lambda: file["now"])

kinds = {"tokens": verifier_of(sys.argv[1]), "requests": verifier_of(sys.argv[2])}

def app(environ, start):
    organization = environ["PATH_INFO"].split("/")[2]
    handler.verifier = kinds[environ["HTTP_X_VECTOR"]]
    claims, refused = handler.admit(environ.get("HTTP_AUTHORIZATION"), organization, environ.get("HTTP_X_PERMISSION"))
    if refused:
        start(f"{refused[0]} Refused", [("WWW-Authenticate", refused[2]), ("Cache-Control", "no-store")])
        return [json.dumps({"error_description": refused[1]}).encode()]
    start("200 OK", [("Cache-Control", "no-store"), ("Tabard-Organization", claims["org_id"])])
    return [b"served"]
` + pythonServer

// TestPythonPage_AgreesOverHTTP sends the tokens to a Python API that uses the page's
// module, and the requests whose rule the module knows.
func TestPythonPage_AgreesOverHTTP(t *testing.T) {
	folder := pythonModule(t)
	program.Write(t, filepath.Join(folder, "api.py"), pythonDoors)
	var files []string
	for _, file := range []string{sharedTokens, sharedRequests} {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	command := exec.Command("/usr/bin/python3", append([]string{"api.py"}, files...)...)
	command.Dir = folder
	_, lines := program.Converse(t, command)
	if !lines.Scan() {
		t.Fatal("it does not start")
	}
	address := net.JoinHostPort("127.0.0.1", lines.Text())
	for _, v := range overhttp.Read[overhttp.Token](t, "../..", "tokens.json") {
		lent := v.Verify == "" && strings.HasPrefix(v.Name, "lent") // the module takes them for a permission alone
		if !v.Organizations && !stricterInPython[v.Name] && !lent {
			overhttp.TryToken(t, address, "/organizations/org_acme/notes", v)
		}
	}
	tried := 0
	for _, v := range overhttp.Read[overhttp.Request](t, "../..", "requests.json") {
		unknown := strings.Contains(v.Name, "ended") || strings.Contains(v.Name, "misspelled") || v.Name == "a path of "
		if unknown || len(v.Rule.ACR) > 0 || v.Rule.MaxAge > 0 || v.Rule.Lent || v.Row != "" || v.Unreachable || len(v.Rule.Permissions) > 1 {
			continue
		}
		for _, r := range v.Requests {
			path := "/organizations/org_acme/notes"
			if organization := r.Params["organization"]; organization != "" {
				path = "/organizations/" + organization + "/notes"
			}
			headers := append([][2]string{{overhttp.Header, "requests"}}, r.Headers...)
			for _, permission := range v.Rule.Permissions {
				headers = append(headers, [2]string{"X-Permission", permission})
			}
			got, err := overhttp.Send(address, r.Method, path, headers)
			if err != nil {
				t.Fatal(err)
			}
			if tried++; got.Status == http.StatusOK && r.Status != http.StatusOK {
				t.Errorf("%s: served, and not by Go: %s", v.Name, r.Reason)
			}
			bound := strings.HasPrefix(v.Name, "at ") || strings.Contains(v.Name, "proof") || strings.Contains(v.Name, "bound")
			if r.Status == http.StatusOK && got.Status != http.StatusOK && !bound {
				t.Errorf("%s: %+v, and served by Go", v.Name, got)
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d requests were tried", tried)
	}
}
