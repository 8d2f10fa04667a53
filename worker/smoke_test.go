//go:build !js

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// smokeTest is the smoke program on workerd: one event at a time, unless its limits say
// otherwise, so that every request meets the state that the one before it left.
type smokeTest struct {
	t   *testing.T
	url string
	log *workerd.Log
}

var compileSmoke = sync.OnceValue(func() error { return workerd.Compile("smoke") })

func newSmokeTest(t *testing.T) smokeTest { return newSmokeTestWith(t, "{}") }

// newSmokeTestWith sets the pool's limits, as JSON.
func newSmokeTestWith(t *testing.T, limits string) smokeTest {
	t.Helper()
	workerd.Must(t, compileSmoke())
	port := ports.Hold(t)
	log := &workerd.Log{}
	worker, err := workerd.Launch(workerd.Options{Port: port, Entry: "smoke/entry.mjs", Variables: map[string]string{"LIMITS": limits}}, log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() { worker.Stop() })
	return smokeTest{t, fmt.Sprintf("http://localhost:%d", port), log}
}

// get returns the status and the body of an answer.
func (w smokeTest) get(path string) (int, string) {
	w.t.Helper()
	response, err := http.Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (w smokeTest) want(path string, status int, body string) {
	w.t.Helper()
	if s, b := w.get(path); s != status || !strings.Contains(b, body) {
		w.t.Errorf("%s: %d %q, want %d %q", path, s, b, status, body)
	}
}

func TestThePool(t *testing.T) {
	w := newSmokeTest(t)
	t.Run("serves many requests by one instance, then by another", func(t *testing.T) {
		w.want("/panic", 500, "")
		for i := range 50 {
			w.want("/served", 200, fmt.Sprint(i+1))
		}
		w.want("/served", 200, "1 false")
	})
	t.Run("gives an instance up", func(t *testing.T) {
		for path, status := range map[string]int{
			"/panic": 500, "/fail": 500, "/exit": 503, "/crash": 503, "/hang": 503, "/grow": 200,
		} {
			w.want("/served", 200, "")
			w.want(path, status, "")
			w.want("/served", 200, "1 false")
		}
	})
	t.Run("tells a client to try again", func(t *testing.T) { w.want("/hang", 503, `"temporarily_unavailable"`) })
	t.Run("waits for work that goes on after its answer", func(t *testing.T) {
		w.want("/fail", 500, "")
		w.want("/later", 200, "")
		w.want("/served", 200, "2 false")
	})
	t.Run("runs the timer of an event that has ended in another", func(t *testing.T) {
		w.want("/fail", 500, "")
		w.want("/timer", 200, "")
		w.want("/slow", 200, "2")
		w.want("/served", 200, "3 false")
	})
	t.Run("goes on for a client that went away", w.goesOnForAClientThatWentAway)
	t.Run("makes requests wait for their turn", w.makesRequestsWaitForTheirTurn)
	t.Run("reports what a cron trigger failed with", func(t *testing.T) {
		w.want("/cdn-cgi/handler/scheduled", 500, "exception")
		await(t, w.log, `"cause":"Error: on purpose"`)
		w.want("/served", 200, "")
	})
}

func (w smokeTest) goesOnForAClientThatWentAway(t *testing.T) {
	w.want("/fail", 500, "")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/linger", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
		}
		gone <- err
	}()
	await(t, w.log, "lingering")
	leave()
	if err := <-gone; err == nil {
		t.Fatal("the client waited")
	}
	w.want("/served", 200, "2 false")
}

func (w smokeTest) makesRequestsWaitForTheirTurn(t *testing.T) {
	const callers = 8
	bodies := make(chan string, callers)
	for range callers {
		go func() {
			response, err := http.Get(w.url + "/slow")
			if err != nil {
				bodies <- err.Error()
				return
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			bodies <- string(body)
		}()
	}
	seen := map[string]bool{}
	for range callers {
		seen[<-bodies] = true
	}
	if len(seen) != callers {
		t.Errorf("%d callers saw %v", callers, seen)
	}
}

func TestTheAdapter(t *testing.T) {
	t.Parallel()
	w := newSmokeTest(t)
	t.Run("gives the handler a request as it was sent", w.aRequestArrivesAsItWasSent)
	t.Run("gives the client an answer as it was written", w.anAnswerArrivesAsItWasGiven)
	t.Run("refuses what is too large", w.whatIsTooLargeIsRefused)
}

func (w smokeTest) aRequestArrivesAsItWasSent(t *testing.T) {
	agent := "Mozilla/5.0 (KHTML, like Gecko)"
	r, err := http.NewRequest(http.MethodPost, w.url+"/echo?a=1&b=%2F", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("CF-Connecting-IP", "2001:db8::1")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got struct {
		Method, URI, Path, Host, Address, Body string
		Length                                 int
		Header                                 http.Header
	}
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.URI != "/echo?a=1&b=%2F" || got.Path != "/echo" || "http://"+got.Host != w.url ||
		got.Address != "[2001:db8::1]:0" || got.Body != "body" || got.Length != 4 || got.Header.Get("User-Agent") != agent {
		t.Errorf("%+v", got)
	}
}

func (w smokeTest) anAnswerArrivesAsItWasGiven(t *testing.T) {
	response, err := http.Get(w.url + "/headers")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	cookies := response.Cookies()
	if response.StatusCode != http.StatusTeapot || len(cookies) != 2 || cookies[0].Expires.Year() != 2032 || cookies[1].Value != "2" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	if h := response.Header; h.Get("X-List") != "one, two" || h.Get("X-Broken") != "one  X-Two: two" || h.Get("X-Two") != "" {
		t.Errorf("%v", h)
	}
	w.want("/nowhere", 404, "404 page not found")
}

func (w smokeTest) whatIsTooLargeIsRefused(t *testing.T) {
	response, err := http.Post(w.url+"/echo", "text/plain", strings.NewReader(strings.Repeat("x", 129<<10)))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("body: %d", response.StatusCode)
	}
	w.want("/echo?"+strings.Repeat("x", 129<<10), http.StatusRequestHeaderFieldsTooLarge, "")
}
