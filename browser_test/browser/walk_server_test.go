package browser

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/js"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// walkedPage is an app whose buttons do what a person can do on the way in and out.
const walkedPage = `<!doctype html><title>app</title><link rel="icon" href="data:,">
<button id="sign-in">Sign in</button> <button id="enter-isolated">Isolated</button>
<button id="enter-own">Own</button> <button id="sign-out">Sign out</button>
<script type="module">
import { createClient } from "/auth/client/tabard.js";
const tabard = globalThis.tabard = createClient();
const enter = (organization) => tabard.switchOrganization(organization).then((result) => result.continue?.());
for (const [id, act] of Object.entries({
  "sign-in": () => tabard.signIn(),
  "enter-isolated": () => enter("isolated"),
  "enter-own": () => enter("own"),
  "sign-out": () => tabard.signOut().then(({ endSessionUrl }) => void (endSessionUrl && location.assign(endSessionUrl))),
})) document.getElementById(id).addEventListener("click", () => act().catch(() => {}));
</script>`

// walked is a server with an app, the workspace's provider and that of the organization
// own. A test can hold an answer, and set the clock forward.
type walked struct {
	testing.TB
	origin        string
	provider, own *logintest.Provider
	ahead         atomic.Int64 // seconds
	mu            sync.Mutex
	held          *heldAnswer // the next one
}

// heldAnswer is an answer that a server has ready and does not send.
type heldAnswer struct {
	path            string
	posted          bool // by a page of the backend's own
	ready, released chan struct{}
}

// hold holds the next answer at a path.
func (w *walked) hold(path string, posted bool) *heldAnswer {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = &heldAnswer{path, posted, make(chan struct{}), make(chan struct{})}
	return w.held
}

// await waits until the answer is ready.
func (h *heldAnswer) await(t testing.TB) {
	t.Helper()
	select {
	case <-h.ready:
	case <-time.After(time.Minute):
		t.Fatalf("no request came to %s", h.path)
	}
}

func (h *heldAnswer) release() { close(h.released) }

// holding returns a handler that holds the answers of another.
func (w *walked) holding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		held := w.held
		if held != nil && (held.path != r.URL.Path || held.posted && r.Header.Get("Sec-Fetch-Site") != "same-origin") {
			held = nil
		}
		if held != nil {
			w.held = nil
		}
		w.mu.Unlock()
		if held == nil {
			next.ServeHTTP(rw, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		close(held.ready)
		<-held.released
		maps.Copy(rw.Header(), answer.Header())
		rw.WriteHeader(answer.Code)
		io.Copy(rw, answer.Body)
	})
}

func (w *walked) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load()) * time.Second) }

func (w *walked) newProvider() *logintest.Provider {
	w.Helper()
	server := serve(w, nil)
	p := logintest.New(w, strings.Replace(server.address, "localhost", "127.0.0.1", 1)) // another site
	p.Now = w.now
	server.handler = w.holding(p)
	return p
}

// newWalked starts a server. mode is the provider's response mode, or empty.
func newWalked(t testing.TB, mode string) *walked {
	t.Helper()
	w := &walked{TB: t}
	front := serve(t, nil)
	w.origin = front.address
	w.provider, w.own = w.newProvider(), w.newProvider()
	w.provider.FormPost = mode != ""
	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secret, _ := signingkey.NewSecret()
	w.fill(store, secret)
	backend, err := host.New(host.Config{
		PublicURL: w.origin + "/auth", Secret: secret, Now: w.now, Client: js.Handler(), Tenants: http.DefaultTransport, LoopbackConnections: true,
		Provider: login.Config{Issuer: w.provider.Issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, ResponseMode: mode},
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", w.holding(backend))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, walkedPage)
	})
	front.handler = mux
	return w
}

// fill stores the directory: alice is in three organizations. One admits anybody who has
// signed in, one asks for an authentication of its own, and one has a provider of its
// own.
func (w *walked) fill(store *sqlstore.Store, secret signingkey.Secret) {
	w.Helper()
	alice := []directory.Member{{User: directory.User{Issuer: w.provider.Issuer, Subject: "alice"}, Roles: []string{"viewer"}}}
	desired := directory.Desired{Workspace: directory.Workspace{
		Apps:  []directory.App{{ID: "web", Name: "Web", Origins: []string{w.origin}, Audience: w.origin + "/api"}},
		Roles: map[string][]string{"viewer": {"notes:read"}},
	}}
	for _, slug := range []string{"plain", "isolated", "own"} {
		desired.Organizations = append(desired.Organizations, directory.DesiredOrganization{
			Organization: directory.Organization{ID: "org_" + slug, Slug: slug, Name: slug}, Members: alice,
		})
	}
	now := time.Now().Unix()
	_, err := store.Apply(w.Context(), desired, now)
	if err == nil {
		err = store.CreateConnection(w.Context(), directory.Connection{
			ID: "con_own", OrganizationID: "org_own", Issuer: w.own.Issuer, ClientID: logintest.ClientID,
			SealedSecret: secret.Sealer(signingkey.ForConnections).Seal([]byte(logintest.ClientSecret), "con_own"),
			Provisioning: directory.Provisioning{JustInTime: true},
		}, now)
	}
	if err == nil {
		err = store.EnableConnection(w.Context(), "org_own", "con_own")
	}
	if err == nil {
		desired.Organizations[1].Rules, desired.Organizations[2].Rules = policy.Rules{Isolated: true}, policy.Rules{Connection: "con_own"}
		_, err = store.Apply(w.Context(), desired, now)
	}
	if err != nil {
		w.Fatal(err)
	}
}
