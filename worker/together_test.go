//go:build !js

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// TestEventsTogether: one instance serves many events at once, each in its own context.
func TestEventsTogether(t *testing.T) {
	w := newSmokeTestWith(t, `{"events": 64, "asking": 64}`)
	t.Run("ask in their own contexts, whichever wakes them", w.askInTheirOwnContexts)
	t.Run("see to the timers of one that has ended", func(t *testing.T) {
		w.want("/fail", 500, "")
		waits := w.begin(t.Context(), "/alarm")
		w.want("/set", 200, "")
		if a := <-waits; a.status != http.StatusOK {
			t.Errorf("%+v", a)
		}
	})
	t.Run("go on with what is asked for no event of them", w.goOnForNoEvent)
	t.Run("go on if one of them panics, and the next begin in another instance", func(t *testing.T) {
		all := w.linger(t, 3)
		w.want("/panic", 500, "")
		w.want("/served", 200, "1 false")
		for _, answered := range all {
			if a := <-answered; a.status != http.StatusOK {
				t.Errorf("%+v", a)
			}
		}
	})
	t.Run("are all told to try again if the program ends", func(t *testing.T) {
		all := w.linger(t, 3)
		w.want("/crash", 503, string(api.TemporarilyUnavailable))
		w.want("/served", 200, "1 false")
		for _, answered := range all {
			if a := <-answered; a.status != http.StatusServiceUnavailable || a.retryAfter == "" || !strings.Contains(a.body, string(api.TemporarilyUnavailable)) {
				t.Errorf("%+v", a)
			}
		}
		if log := w.log.String(); strings.Count(log, "the program ended with code 2") != 4 || strings.Contains(log, "took too long") {
			t.Error("not all ended at once")
		}
	})
}

func (w smokeTest) askInTheirOwnContexts(t *testing.T) {
	const events = 20
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	defer echo.Close()
	var all []<-chan answer
	for i := range events {
		address := url.QueryEscape(fmt.Sprintf("%s/%d", echo.URL, i))
		all = append(all, w.begin(t.Context(), fmt.Sprintf("/together?n=%d&address=%s", events, address)))
	}
	for i, answered := range all {
		if a, want := <-answered, fmt.Sprintf("%d/%d", events, i); a.body != want {
			t.Errorf("event %d: %+v, want %s", i, a, want)
		}
	}
}

// goOnForNoEvent: go-oidc reads a provider's keys in a context of its own. The event that does it
// goes on after its answer until that is done.
func (w smokeTest) goOnForNoEvent(t *testing.T) {
	p := newSlowProvider(t)
	w.want("/fail", 500, "")
	w.want("/background?address="+url.QueryEscape(p.URL), 200, "")
	w.want("/served", 200, "2 true")
	deadline := time.After(5 * time.Second)
	select {
	case <-p.asked:
	case <-deadline:
		t.Fatal("it never asked")
	}
	p.release()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, body := w.get("/served"); strings.HasSuffix(body, "false") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("what it asked never came to an end")
		}
	}
}

// linger begins events that take two seconds, in an instance of their own.
func (w smokeTest) linger(t *testing.T, n int) (all []<-chan answer) {
	t.Helper()
	w.want("/fail", 500, "")
	before := strings.Count(w.log.String(), "lingering")
	for i := range n {
		all = append(all, w.begin(t.Context(), "/linger"))
		awaitTimes(t, w.log, "lingering", before+i+1)
	}
	return all
}

// TestAnEventThatThePlatformEnds gives back what it held, and its place.
func TestAnEventThatThePlatformEnds(t *testing.T) {
	w := newSmokeTestWith(t, `{"events": 2, "asking": 2, "event": 3000}`)
	p := newSlowProvider(t)
	w.want("/served", 200, "1 false")
	ctx, leave := context.WithCancel(t.Context())
	lost := w.begin(ctx, "/hold?lost&address="+url.QueryEscape(p.URL))
	<-p.asked
	leave()
	<-lost
	if a := <-w.begin(t.Context(), "/held"); a.status != http.StatusOK {
		t.Errorf("%+v", a)
	}
	for range 5 {
		w.want("/served", 200, "")
	}
	w.want("/served", 200, "9 false")
}

// TestAnEventThatNeverEnds, for the platform ended it, has its place until it lapses.
func TestAnEventThatNeverEnds(t *testing.T) {
	w := newSmokeTestWith(t, `{"event": 2000}`)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	p := newSlowProvider(t)
	lost := w.begin(ctx, "/hold?lost&address="+url.QueryEscape(p.URL))
	<-p.asked
	waits := w.begin(t.Context(), "/served")
	w.waits(1)
	leave()
	<-lost
	if a := <-waits; a.status != http.StatusOK || a.body != "1 false" {
		t.Errorf("%+v", a)
	}
}
