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
func (w *world) addLinks(mux *http.ServeMux, guard *resource.Guard, holder *hold.Holder) {
	links, err := resource.NewLinks(guard, resource.LinksConfig{Keys: [][]byte{[]byte("a key of links that has 32 bytes")}})
	if err != nil {
		w.Fatal(err)
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
		w.over <- context.Cause(r.Context())
	})))
	mux.Handle("GET /linked/live", holder.ProtectLink(links, resource.Rule{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // the holder looks at Origin
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.Write(r.Context(), websocket.MessageText, []byte(resource.OrganizationFrom(r.Context())))
		<-r.Context().Done()
		w.over <- context.Cause(r.Context())
	})))
}

// link has the API make one, with a token that lives for some seconds.
func (w *world) link(to string, seconds int64) string {
	w.Helper()
	r, _ := http.NewRequestWithContext(w.Context(), "POST", w.server.URL+"/links?to="+to, nil)
	r.Header.Set("Authorization", "Bearer "+w.token("org_acme", seconds))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.Fatalf("%d %s %v", answer.StatusCode, text, err)
	}
	return string(text)
}

func (w *world) awaitEnd(what string, reason token.Reason) {
	w.Helper()
	select {
	case cause := <-w.over:
		if token.ReasonOf(cause) != reason {
			w.Errorf("%s: %v", what, cause)
		}
	case <-time.After(10 * time.Second):
		w.Errorf("%s: the handler goes on", what)
	}
}

func TestProtectLink_StreamEnds(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		life   int64
		end    func()
		reason token.Reason
	}{
		"the token's end": {2, func() {}, token.Expired},
		"the feed":        {300, func() { w.ended.Store(true) }, token.SessionEnded},
	} {
		w.ended.Store(false)
		answer, err := http.Get(w.server.URL + w.link("/linked/stream", c.life))
		if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Tabard-Organization") != "org_acme" {
			t.Fatalf("%v %v", answer, err)
		}
		c.end()
		w.awaitEnd(name, c.reason)
		answer.Body.Close()
	}
}

func TestProtectLink_WebSocket(t *testing.T) {
	w := newWorld(t)
	made := w.link("/linked/live", 300)
	w.mu.Lock()
	w.logged.Reset() // of the request with the token
	w.mu.Unlock()
	for origin, want := range map[string]int{"https://evil.example": 403, "": 403, w.server.URL: 403} {
		if _, answer, _ := w.dial(made, origin); answer == nil || answer.StatusCode != want {
			t.Errorf("from %q: %+v", origin, answer)
		}
	}
	if _, answer, _ := w.dial(made+"x", page); answer == nil || answer.StatusCode != 403 {
		t.Errorf("another link: %+v", answer)
	}
	c, _, err := w.dial(made, page)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.next(c); got != "org_acme" {
		t.Error(got)
	}
	w.ended.Store(true)
	w.awaitEnd("the feed", token.SessionEnded)
	if log := w.logs(); strings.Contains(log, "eyJ") || strings.Contains(log, "ses_") {
		t.Errorf("the log is %s", log)
	}
}

func (w *world) logs() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logged.String()
}
