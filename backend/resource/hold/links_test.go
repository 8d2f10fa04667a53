package hold_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/resource/hold"
	"github.com/tabard-auth/tabard/backend/token"
)

// addLinks has an API make links: to a stream, and to a WebSocket that a library opens.
func (api *socketAPI) addLinks(mux *http.ServeMux, guard *resource.Guard, holder *hold.Holder) {
	links, err := resource.NewLinks(guard, resource.LinksConfig{Keys: [][]byte{[]byte("a key of links that has 32 bytes")}})
	if err != nil {
		api.Fatal(err)
	}
	mux.Handle("POST /links", guard.Protect(resource.Rule{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		made, err := links.Make(r.Context(), http.MethodGet, r.URL.Query().Get("to"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(rw, made)
	})))
	mux.Handle("GET /linked/stream", holder.ProtectLink(links, resource.Rule{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprint(rw, resource.OrganizationFrom(r.Context()))
		http.NewResponseController(rw).Flush()
		<-r.Context().Done()
		api.over <- context.Cause(r.Context())
	})))
	mux.Handle("GET /linked/live", holder.ProtectLink(links, resource.Rule{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // the holder looks at Origin
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.Write(r.Context(), websocket.MessageText, []byte(resource.OrganizationFrom(r.Context())))
		<-r.Context().Done()
		api.over <- context.Cause(r.Context())
	})))
}

// link has the API make one, with a token that lives for some seconds.
func (api *socketAPI) link(to string, seconds int64) string {
	api.Helper()
	r, _ := http.NewRequestWithContext(api.Context(), "POST", api.server.URL+"/links?to="+to, nil)
	r.Header.Set("Authorization", "Bearer "+api.token("org_acme", seconds))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		api.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		api.Fatalf("%d %s %v", answer.StatusCode, text, err)
	}
	return string(text)
}

func (api *socketAPI) awaitEnd(what string, reason token.Reason) {
	api.Helper()
	select {
	case cause := <-api.over:
		if token.ReasonOf(cause) != reason {
			api.Errorf("%s: %v", what, cause)
		}
	case <-time.After(10 * time.Second):
		api.Errorf("%s: the handler goes on", what)
	}
}

func TestProtectLink_StreamEnds(t *testing.T) {
	api := newSocketAPI(t)
	for name, c := range map[string]struct {
		life   int64
		end    func()
		reason token.Reason
	}{
		"the token's end": {2, func() {}, token.Expired},
		"the feed":        {300, func() { api.ended.Store(true) }, token.SessionEnded},
	} {
		api.ended.Store(false)
		answer, err := http.Get(api.server.URL + api.link("/linked/stream", c.life))
		if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Tabard-Organization") != "org_acme" {
			t.Fatalf("%v %v", answer, err)
		}
		c.end()
		api.awaitEnd(name, c.reason)
		answer.Body.Close()
	}
}

func TestProtectLink_WebSocket(t *testing.T) {
	api := newSocketAPI(t)
	made := api.link("/linked/live", 300)
	api.mu.Lock()
	api.logged.Reset() // of the request with the token
	api.mu.Unlock()
	for origin, want := range map[string]int{"https://evil.example": 403, "": 403, api.server.URL: 403} {
		if _, answer, _ := api.dial(made, origin); answer == nil || answer.StatusCode != want {
			t.Errorf("from %q: %+v", origin, answer)
		}
	}
	if _, answer, _ := api.dial(made+"x", page); answer == nil || answer.StatusCode != 403 {
		t.Errorf("another link: %+v", answer)
	}
	c, _, err := api.dial(made, page)
	if err != nil {
		t.Fatal(err)
	}
	if got := api.next(c); got != "org_acme" {
		t.Error(got)
	}
	api.ended.Store(true)
	api.awaitEnd("the feed", token.SessionEnded)
	if log := api.logs(); strings.Contains(log, "eyJ") || strings.Contains(log, "ses_") {
		t.Errorf("the log is %s", log)
	}
}

func (api *socketAPI) logs() string {
	api.mu.Lock()
	defer api.mu.Unlock()
	return api.logged.String()
}
