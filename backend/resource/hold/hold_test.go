package hold_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/resource/hold"
	"github.com/tabard-auth/tabard/backend/resource/hold/coderws"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

const page = "https://app.example.com"

// socketAPI is an API with WebSockets, one route for every organization and one for that in
// the path, and streams.
type socketAPI struct {
	*testing.T
	issuer *tokentest.Issuer
	server *httptest.Server
	ended  atomic.Bool     // what the feed says
	over   chan error      // why a connection's context ended
	mu     sync.Mutex      //
	logged strings.Builder // the API's records, and its access log
}

func newSocketAPI(t *testing.T) *socketAPI {
	t.Helper()
	t.Parallel()
	api := &socketAPI{T: t, issuer: tokentest.NewIssuer(), over: make(chan error, 100)}
	t.Cleanup(api.issuer.Close)
	verifier, err := token.NewVerifier(api.issuer.Config())
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{
		BaseURL: "https://api.example.com",
		Ended:   func(context.Context, *token.Claims) bool { return api.ended.Load() },
		Record:  func(_ context.Context, r resource.Record) { api.log(r) },
	})
	if err != nil {
		t.Fatal(err)
	}
	holder, err := hold.New(guard, hold.Config{Origins: []string{page}})
	if err != nil {
		t.Fatal(err)
	}
	echo := func(c *hold.Conn) {
		for {
			text, body, err := c.Read()
			if err != nil {
				api.over <- context.Cause(c.Context())
				return
			}
			api.log("handled", string(body))
			c.Write(text, append(body, " of "+resource.OrganizationFrom(c.Context())...))
		}
	}
	deaf := func(c *hold.Conn) {
		<-c.Context().Done()
		api.over <- context.Cause(c.Context())
	}
	demand := token.Demand{Permissions: []string{"live"}}
	mux := http.NewServeMux()
	mux.Handle("GET /live", holder.Handler(resource.Rule{}, coderws.Upgrade, echo))
	mux.Handle("GET /deaf", holder.Handler(resource.Rule{}, coderws.Upgrade, deaf))
	mux.Handle("GET /discards", holder.Handler(resource.Rule{}, coderws.Upgrade, func(c *hold.Conn) {
		c.Discard()
		deaf(c)
	}))
	mux.Handle("GET /organizations/{organization}/live", holder.Handler(resource.Rule{Organization: "organization", Demand: demand}, coderws.Upgrade, echo))
	mux.Handle("GET /recent", holder.Handler(resource.Rule{Demand: token.Demand{MaxAge: time.Minute, ACR: []string{"mfa"}}}, coderws.Upgrade, echo))
	mux.Handle("GET /stream", holder.Protect(resource.Rule{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, resource.OrganizationFrom(r.Context()))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		api.over <- context.Cause(r.Context())
	})))
	api.addLinks(mux, guard, holder)
	api.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.log(r.URL.String(), r.Header)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(api.server.Close)
	return api
}

func (api *socketAPI) log(line ...any) {
	api.mu.Lock()
	defer api.mu.Unlock()
	fmt.Fprintln(&api.logged, line...)
}

// token returns a token that lives for some seconds.
func (api *socketAPI) token(organization string, seconds int64, change ...func(*token.Claims)) string {
	claims := api.issuer.Claims(organization)
	claims.Expires = claims.IssuedAt + seconds
	for _, f := range change {
		f(&claims)
	}
	return api.issuer.Sign(claims)
}

// dial opens a WebSocket from a page.
func (api *socketAPI) dial(path, origin string, subprotocols ...string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	c, answer, err := websocket.Dial(api.Context(), api.server.URL+path, &websocket.DialOptions{Subprotocols: subprotocols, HTTPHeader: header})
	if err == nil {
		api.Cleanup(func() { c.CloseNow() })
	}
	return c, answer, err
}

// open opens one with a token, and returns the answer to it.
func (api *socketAPI) open(path, raw, proof string) (*websocket.Conn, string) {
	api.Helper()
	c, _, err := api.dial(path, page, "tabard")
	if err != nil {
		api.Fatal(err)
	}
	api.send(c, credential(raw, proof))
	return c, api.next(c)
}

func credential(raw, proof string) string {
	return fmt.Sprintf(`{"tabard":{"token":%q,"proof":%q}}`, raw, proof)
}

func (api *socketAPI) send(c *websocket.Conn, text string) {
	api.Helper()
	if err := c.Write(api.Context(), websocket.MessageText, []byte(text)); err != nil {
		api.Fatal(err)
	}
}

// next returns the next message, or how the connection was closed.
func (api *socketAPI) next(c *websocket.Conn) string {
	ctx, cancel := context.WithTimeout(api.Context(), 20*time.Second)
	defer cancel()
	_, body, err := c.Read(ctx)
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return strings.TrimSpace(fmt.Sprintf("%d %s", closed.Code, closed.Reason))
	case err != nil:
		return err.Error()
	}
	return string(body)
}

func TestHandler_TakesTheFirstMessage(t *testing.T) {
	api := newSocketAPI(t)
	d := api.issuer.NewDevice()
	bound := api.issuer.Bound(d, "org_acme")
	proof := d.Proof(bound, "GET", "https://api.example.com/live")
	for _, c := range []struct{ name, path, token, proof, want string }{
		{"a token", "/live", api.token("org_acme", 300), "", "accepted"},
		{"its organization's path", "/organizations/org_acme/live", api.token("org_acme", 300, permitted), "", "accepted"},
		{"a bound one, with a proof", "/live", bound, proof, "accepted"},
		{"the proof again", "/live", bound, proof, "4401 invalid_dpop_proof invalid_proof"},
		{"a bound one without", "/live", bound, "", "4401 invalid_token proof_required"},
		{"a proof for a token without", "/live", api.token("org_acme", 300), proof, "4401 invalid_dpop_proof invalid_proof"},
		{"an expired one", "/live", api.issuer.Expired("org_acme"), "", "4401 invalid_token expired"},
		{"expired, within the leeway", "/live", api.token("org_acme", -5), "", "4401 invalid_token expired"},
		{"a foreign one", "/live", api.issuer.Foreign("org_acme"), "", "4401 invalid_token bad_signature"},
		{"another organization's path", "/organizations/org_globex/live", api.token("org_acme", 300, permitted), "", "4403 organization_mismatch"},
		{"without the permission", "/organizations/org_acme/live", api.token("org_acme", 300), "", "4403 insufficient_scope"},
		{"without the authentication", "/recent", api.token("org_acme", 300), "", `4401 insufficient_user_authentication acr_values="mfa", max_age="60"`},
		{"none", "/live", "", "", "4401 no_token"},
		{"one that is far too long", "/live", strings.Repeat("x", 20<<10), "", "4401 no_token"},
		{"what is no token", "/live", "x", "", "4401 invalid_token malformed"},
	} {
		_, got := api.open(c.path, c.token, c.proof)
		var answer struct {
			Tabard struct {
				Organization string
				ExpiresIn    int64 `json:"expires_in"`
			}
		}
		if json.Unmarshal([]byte(got), &answer) == nil {
			got = "accepted"
			if answer.Tabard.Organization != "org_acme" || answer.Tabard.ExpiresIn < 290 || answer.Tabard.ExpiresIn > 300 {
				t.Errorf("%s: %+v", c.name, answer)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for name, message := range map[string]string{
		"a blank before": " " + credential(api.token("org_acme", 300), ""), "a blank within": "{ " + credential(api.token("org_acme", 300), "")[1:],
		"behind another member": `{"x":1,` + credential(api.token("org_acme", 300), "")[1:],
		"another message":       `hello`, "a repeated member": `{"tabard":{"token":"x","token":"y"}}`, "not JSON": `{"tabard":`,
	} {
		c, _, err := api.dial("/live", page, "tabard")
		if err != nil {
			t.Fatal(err)
		}
		api.send(c, message)
		if got := api.next(c); got != "4401 no_token" {
			t.Errorf("%s: %q", name, got)
		}
	}
	api.mu.Lock()
	defer api.mu.Unlock()
	if log := api.logged.String(); strings.Contains(log, "eyJ") || !strings.Contains(log, "alarm") {
		t.Errorf("the log is %s", log)
	}
}

// until changes when a token ends.
func until(end int64) func(*token.Claims) { return func(c *token.Claims) { c.Expires = end } }

func permitted(c *token.Claims) { c.Permissions = []string{"live"} }

// TestHandler_ForeignPage: a page of an origin that the API does not list opens no
// WebSocket, whatever token it has, and neither does one without the subprotocol.
func TestHandler_ForeignPage(t *testing.T) {
	api := newSocketAPI(t)
	for name, c := range map[string]struct {
		origin       string
		subprotocols []string
		want         int
	}{
		"a page":                {page, []string{"tabard"}, 101},
		"with further ones":     {page, []string{"chat", "tabard"}, 101},
		"a foreign page":        {"https://evil.example", []string{"tabard"}, 403},
		"the API's own":         {api.server.URL, []string{"tabard"}, 403},
		"a longer name":         {page + ".evil.example", []string{"tabard"}, 403},
		"another scheme":        {"http://app.example.com", []string{"tabard"}, 403},
		"a frame without one":   {"null", []string{"tabard"}, 403},
		"no origin":             {"", []string{"tabard"}, 403},
		"no subprotocol":        {page, nil, 400},
		"a foreign subprotocol": {page, []string{"chat"}, 400},
	} {
		_, answer, _ := api.dial("/live", c.origin, c.subprotocols...)
		if answer == nil || answer.StatusCode != c.want {
			t.Errorf("%s: %+v, want %d", name, answer, c.want)
		}
	}
	for _, origin := range []string{"*", "app.example.com", page + "/", "https://*.example.com/x"} {
		if _, err := hold.New(nil, hold.Config{}); err == nil {
			t.Error("a holder without a guard")
		}
		guard, err := resource.NewGuard(must(token.NewVerifier(api.issuer.Config())), resource.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hold.New(guard, hold.Config{Origins: []string{origin}}); err == nil {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}

func must(v *token.Verifier, err error) *token.Verifier {
	if err != nil {
		panic(err)
	}
	return v
}

// TestHandler_NoFirstMessage: a connection that says nothing is closed after five seconds.
func TestHandler_NoFirstMessage(t *testing.T) {
	api := newSocketAPI(t)
	began := time.Now()
	c, _, err := api.dial("/live", page, "tabard")
	if err != nil {
		t.Fatal(err)
	}
	if got, took := api.next(c), time.Since(began); got != "4401 no_token" || took < 4*time.Second || took > 6*time.Second {
		t.Errorf("%q after %v", got, took)
	}
}

// ends expects that both sides of a connection end within a second after a time.
func (api *socketAPI) ends(what string, c *websocket.Conn, at time.Time, want string, reason token.Reason) {
	api.Helper()
	got := api.next(c)
	page := time.Now()
	select {
	case cause := <-api.over:
		if late := max(time.Since(at), page.Sub(at)); got != want || token.ReasonOf(cause) != reason || late > time.Second || late < 0 {
			api.Errorf("%s: %q and %v, %v late", what, got, cause, late)
		}
	case <-time.After(10 * time.Second):
		api.Errorf("%s: %q, and the handler goes on", what, got)
	}
}

func TestHandler_EndsWithItsToken(t *testing.T) {
	api := newSocketAPI(t)
	end := time.Now().Unix() + 2
	c, _ := api.open("/live", api.token("org_acme", 0, until(end)), "")
	api.ends("the token", c, time.Unix(end, 0), "4401 invalid_token expired", token.Expired)
}

func TestHandler_GoesOnWithARenewedToken(t *testing.T) {
	api := newSocketAPI(t)
	end := time.Now().Unix() + 6
	c, _ := api.open("/live", api.token("org_acme", 0, until(end-3)), "")
	api.send(c, credential(api.token("org_acme", 0, until(end)), ""))
	api.send(c, "hello")
	if got := api.next(c); got != "hello of org_acme" {
		t.Errorf("%q", got)
	}
	api.ends("the second token", c, time.Unix(end, 0), "4401 invalid_token expired", token.Expired)
}

// TestHandler_RenewalByAnotherToken closes the connection. What comes after it is not handled.
func TestHandler_RenewalByAnotherToken(t *testing.T) {
	api := newSocketAPI(t)
	d := api.issuer.NewDevice()
	bound := api.issuer.Bound(d, "org_acme")
	for name, c := range map[string]struct{ token, proof, want string }{
		"organization": {api.token("org_globex", 300), "", "4403 renewal_mismatch"},
		"person":       {api.token("org_acme", 300, func(c *token.Claims) { c.Subject = "usr_other" }), "", "4403 renewal_mismatch"},
		"session":      {api.token("org_acme", 300, func(c *token.Claims) { c.SessionID = "ses_other" }), "", "4403 renewal_mismatch"},
		"app":          {api.token("org_acme", 300, func(c *token.Claims) { c.ClientID = "other" }), "", "4403 renewal_mismatch"},
		"audience":     {api.token("org_acme", 300, func(c *token.Claims) { c.Audience = append(c.Audience, "other") }), "", "4403 renewal_mismatch"},
		"key":          {bound, d.Proof(bound, "GET", "https://api.example.com/live"), "4403 renewal_mismatch"},
		"issuer":       {api.issuer.Foreign("org_acme"), "", "4401 invalid_token bad_signature"},
	} {
		c2, first := api.open("/live", api.token("org_acme", 300), "")
		for _, text := range []string{"before", credential(c.token, c.proof), "after"} {
			api.send(c2, text)
		}
		got := api.next(c2)
		if got == "before of org_acme" { // it may be closed sooner
			got = api.next(c2)
		}
		if got != c.want {
			t.Errorf("another %s: %q after %q", name, got, first)
		}
		<-api.over
	}
	api.mu.Lock()
	defer api.mu.Unlock()
	if strings.Contains(api.logged.String(), "handled after") {
		t.Error("a message after a wrong renewal was handled")
	}
}

// TestHandler_Lent: a lent token opens only what demands a permission of it, and neither it
// nor the tab's own renews what the other opened. Nor does one that is lent otherwise.
func TestHandler_Lent(t *testing.T) {
	api := newSocketAPI(t)
	const demanding = "/organizations/org_acme/live"
	signed := func(lent bool, permissions ...string) string {
		return api.token("org_acme", 300, func(c *token.Claims) { c.Lent, c.Permissions = lent, permissions })
	}
	for name, c := range map[string]struct{ path, first, renewal, want string }{
		"where nothing is demanded":     {"/live", signed(true, "live"), "", "4403 insufficient_scope"},
		"without the permission":        {demanding, signed(true, "other"), "", "4403 insufficient_scope"},
		"renewed by the same":           {demanding, signed(true, "live"), signed(true, "live"), "hello of org_acme"},
		"renewed by the tab's own":      {demanding, signed(true, "live"), signed(false, "live"), "4403 renewal_mismatch"},
		"renewed by a wider one":        {demanding, signed(true, "live"), signed(true, "live", "other"), "4403 renewal_mismatch"},
		"the tab's own, renewed by one": {demanding, signed(false, "live"), signed(true, "live"), "4403 renewal_mismatch"},
	} {
		conn, got := api.open(c.path, c.first, "")
		if c.renewal != "" {
			api.send(conn, credential(c.renewal, ""))
			api.send(conn, "hello")
			got = api.next(conn)
		}
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestHandler_EndsWhenTheFeedSaysSo, at once, and so does a stream.
func TestHandler_EndsWhenTheFeedSaysSo(t *testing.T) {
	api := newSocketAPI(t)
	c, _ := api.open("/live", api.token("org_acme", 300), "")
	api.ended.Store(true)
	api.ends("the session", c, time.Now(), "4401 invalid_token session_ended", token.SessionEnded)
}
