package js_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/js"
)

// backend implements the contract with invented tokens, enough to run the module and
// the client in a browser. Ada is in Acme and Globex; Initech refuses her.
type backend struct {
	mu       sync.Mutex
	signedIn bool
	minted   int
	requests []string
}

var organizations = map[string]api.Organization{
	"org_acme":   {ID: "org_acme", Slug: "acme", Name: "Acme"},
	"org_globex": {ID: "org_globex", Slug: "globex", Name: "Globex"},
}

var ada = api.User{ID: "usr_ada", Name: "Ada", Issuer: "https://id.example", Subject: "ada"}

// app is a page under a strict policy for content and Trusted Types. It keeps the
// instances of the module and the policy's violations.
func app(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "+
		"connect-src 'self'; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'")
	switch r.URL.Path {
	case "/":
		fmt.Fprint(w, `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>`)
	case "/app.js":
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `
import { createClient } from "/auth/client/tabard.js";
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI));
window.rejections = [];
addEventListener("unhandledrejection", (e) => rejections.push(String(e.reason)));
addEventListener("error", (e) => rejections.push(e.message));
window.instances = [];
let Go;
Object.defineProperty(globalThis, "Go", {
	get: () => Go,
	set: (original) => { Go = class extends original { constructor() { super(); instances.push(this); } } },
});
window.tabard = createClient();
`)
	default:
		http.NotFound(w, r)
	}
}

// build builds the client, once for the life of this program.
var build = sync.OnceValue(func() error {
	out, err := exec.Command("go", "run", "./build").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building: %w\n%s", err, out)
	}
	return nil
})

// newApp builds the client and serves it with a page and an API of the app's own.
func newApp(t *testing.T, page http.Handler) (*backend, *httptest.Server) {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	b := &backend{}
	mux := http.NewServeMux()
	mux.Handle("/auth/client/", http.StripPrefix("/auth/client/", js.NewFiles(os.DirFS("dist"))))
	mux.HandleFunc("GET /auth/login", b.login)
	mux.HandleFunc("POST /auth/token", b.token)
	mux.HandleFunc("GET /auth/session", b.session)
	mux.HandleFunc("POST /auth/logout", b.logout)
	mux.HandleFunc("GET /api/echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Authorization"))
	})
	mux.Handle("/", page)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return b, server
}

func (b *backend) login(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signedIn = true
	http.Redirect(w, r, r.URL.Query().Get(api.ParamReturnTo), http.StatusSeeOther)
}

func (b *backend) token(w http.ResponseWriter, r *http.Request) {
	var request api.TokenRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil || r.Header.Get(api.HeaderClient) == "" {
		refuse(w, 400, api.InvalidRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, request.Organization)
	o, found := find(request.Organization)
	switch {
	case !b.signedIn:
		refuse(w, 401, api.LoginRequired)
	case request.Organization == "":
		refuse(w, 400, api.OrganizationRequired)
	case !found:
		refuse(w, 403, api.OrganizationAccessDenied)
	default:
		b.minted++
		answer(w, 200, api.TokenResponse{
			AccessToken: fmt.Sprintf("%s-%d", o.Slug, b.minted), TokenType: api.TokenTypeBearer, ExpiresIn: 300,
			ServerTime: 1_800_000_000, Organization: o, Roles: []string{"admin"}, User: ada,
			Session: "ses_1", SessionExpiresIn: 3600,
		})
	}
}

func (b *backend) session(w http.ResponseWriter, r *http.Request) {
	states := []api.OrganizationState{}
	for _, o := range organizations {
		states = append(states, api.OrganizationState{ID: o.ID, Slug: o.Slug, Name: o.Name, State: api.StateAvailable})
	}
	answer(w, 200, api.SessionResponse{Session: "ses_1", User: ada, Organizations: states, ServerTime: 1_800_000_000})
}

func (b *backend) logout(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signedIn = false
	answer(w, 200, api.LogoutResponse{ServerTime: 1_800_000_000})
}

// mints are the organizations asked for since last asked.
func (b *backend) mints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	requests := b.requests
	b.requests = nil
	return requests
}

func find(name string) (api.Organization, bool) {
	for _, o := range organizations {
		if name == o.ID || name == o.Slug {
			return o, true
		}
	}
	return api.Organization{}, false
}

func refuse(w http.ResponseWriter, status int, code api.Code) {
	answer(w, status, api.Error{Code: code, Description: "no"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
