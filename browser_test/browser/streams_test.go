package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/resource/hold"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// streamPage reads streams of an API: each chunk as it comes, or with a pause after each.
const streamPage = `import { createClient } from "/auth/client/tabard.js";
globalThis.tabard = createClient({ backend: "/auth", apis: ["%[1]s"] });
document.getElementById("sign-in").onclick = () => tabard.signIn();
globalThis.read = async (path, pause, by = tabard) => {
	const stream = (globalThis.stream = { chunks: 0, foreign: 0 });
	try {
		const response = await by.fetch("%[1]s" + path), reader = response.body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			const { organization } = tabard.state, text = new TextDecoder().decode(value);
			stream.chunks++;
			if (by === tabard && text.match(/org_\w+/)[0] !== organization?.id) stream.foreign++;
			await new Promise((wake) => setTimeout(wake, pause));
		}
		stream.end = "done";
	} catch (error) {
		stream.end = [error.name, error.code, error.action, error instanceof Error].join(" ");
	}
};
`

// streams is the demo with a page that reads streams of an API on another origin.
type streams struct {
	*demo.Demo
	over chan error // why the API's side of a stream ended
}

func newStreams(t *testing.T) *streams {
	t.Helper()
	s := &streams{over: make(chan error, 10)}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", s.Origin)
		w.Header().Set("Access-Control-Allow-Headers", "authorization, dpop")
		if r.Method != http.MethodOptions {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	folder := t.TempDir()
	program.Write(t, filepath.Join(folder, "index.html"), `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<button id="sign-in">Sign in</button><script type="module" src="/main.js"></script></html>`)
	program.Write(t, filepath.Join(folder, "main.js"), fmt.Sprintf(streamPage, server.URL))
	s.Demo = demo.StartWith(t, folder)
	handler = s.handler(t)
	return s
}

func (s *streams) handler(t *testing.T) http.Handler {
	t.Helper()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: s.Backend, Audience: s.Origin + "/api", Keys: token.NewKeySet(s.Backend+"/.well-known/jwks.json", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	follower, err := resource.Follow(t.Context(), resource.FollowConfig{
		Verifier: verifier, Key: s.Tabard(t, "keys", "create", "--kind", "events", "--name", "streams"),
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{Ended: follower.Ended, Ready: follower.Ready})
	if err != nil {
		t.Fatal(err)
	}
	holder, err := hold.New(guard, hold.Config{Follower: follower})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /events", holder.Protect(resource.Rule{}, http.HandlerFunc(s.events)))
	mux.Handle("GET /large", holder.Protect(resource.Rule{}, http.HandlerFunc(s.large)))
	return mux
}

// events sends server-sent events until the context ends.
func (s *streams) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		fmt.Fprintf(w, "data: %s\n\n", resource.OrganizationFrom(r.Context()))
		http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			s.over <- r.Context().Err()
			return
		}
	}
}

// large sends a body as fast as it is taken, which is more than browsers keep ahead.
func (s *streams) large(w http.ResponseWriter, r *http.Request) {
	chunk := strings.Repeat(resource.OrganizationFrom(r.Context())+" ", 4<<10)
	for range 4000 {
		if _, err := fmt.Fprint(w, chunk); err != nil || r.Context().Err() != nil {
			s.over <- err
			return
		}
	}
	s.over <- nil
}

// TestP4_StreamsEndWithTheOrganization: a stream that a page reads by the client's fetch,
// event by event or more slowly than it comes, ends with a typed error on both sides when
// the tab leaves the organization or signs out. No chunk of it reaches the page after that.
func TestP4_StreamsEndWithTheOrganization(t *testing.T) {
	t.Parallel()
	s := newStreams(t)
	tab := chrome.Guest(t)
	example.SignIn(t, s.Demo, tab, "/", "alice")
	const left = "AbortError organization_left stop true"
	for _, c := range []struct {
		name, path string
		pause      int
		leave      string
	}{
		{"events, over a switch", "/events", 0, `tabard.switchOrganization("globex")`},
		{"a body that is read slowly, over a switch", "/large", 20, `tabard.switchOrganization("globex")`},
		{"events, over a sign-out of the organization", "/events", 0, `tabard.signOut({ scope: "organization" })`},
		{"events, over a sign-out", "/events", 0, `tabard.signOut()`},
		{"a body that is read slowly, over a sign-out", "/large", 20, `tabard.signOut()`},
	} {
		if chrome.Eval[bool](t, tab, `tabard.state.status === "signed_out"`) {
			signInAgain(t, tab)
		}
		switchTo(t, tab, "acme")
		chrome.Eval[any](t, tab, fmt.Sprintf(`void read(%q, %d)`, c.path, c.pause))
		chrome.Await(t, tab, `stream.chunks > 2`)
		chrome.Eval[any](t, tab, fmt.Sprintf(`(async () => {
			const stop = tabard.subscribe(({ organization, status }) => {
				if (organization?.slug === "acme" && status === "active") return;
				stream.chunksThen ??= stream.chunks;
			});
			await %s;
			stop();
		})()`, c.leave))
		chrome.Await(t, tab, `stream.end`)
		got := chrome.Eval[struct {
			Chunks, ChunksThen, Foreign int
			End                         string
		}](t, tab, `stream`)
		apiWasFirst := strings.HasPrefix(got.End, "TypeError") && strings.Contains(c.leave, "signOut") // by the feed of endings, before the tab's answer
		if got.End != left && !apiWasFirst || got.Foreign != 0 || got.Chunks != got.ChunksThen {
			t.Errorf("%s: %+v", c.name, got)
		}
		select {
		case <-s.over:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the API goes on", c.name)
		}
	}
}

// TestP4_StreamsOfASecondOrganization: they go on over a switch, and end with the session.
func TestP4_StreamsOfASecondOrganization(t *testing.T) {
	t.Parallel()
	s := newStreams(t)
	tab := chrome.Guest(t)
	example.SignIn(t, s.Demo, tab, "/", "alice")
	switchTo(t, tab, "acme")
	chrome.Eval[any](t, tab, `void read("/events", 0, tabard.inOrganization("globex"))`)
	chrome.Await(t, tab, `stream.chunks > 2`)
	switchTo(t, tab, "globex")
	switchTo(t, tab, "acme")
	chrome.Eval[any](t, tab, `void (stream.before = stream.chunks)`)
	chrome.Await(t, tab, `stream.chunks > stream.before + 2 && !stream.end`)
	user := chrome.Eval[string](t, tab, `tabard.state.user.id`)
	s.Tabard(t, "sessions", "end", "--user", user)
	chrome.Await(t, tab, `stream.end`)
	// Browsers do not say why the other side broke off. The client does when it is asked.
	const ask = `tabard.getToken({ forceRefresh: true }).then(() => "a token", ({ code, action }) => stream.end.split(" ")[0] + " " + code + " " + action)`
	if got := chrome.Eval[string](t, tab, ask); got != "TypeError session_revoked sign_in" {
		t.Error(got)
	}
}
