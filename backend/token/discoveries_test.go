package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// workspace answers for all organizations of a workspace, each time after a delay.
// Those whose id begins with org_own are issuers.
type workspace struct {
	mu        sync.Mutex
	takes     time.Duration
	hangs     bool
	out, most int // concurrent requests
	asked     int
}

func (w *workspace) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked++
	w.out++
	w.most = max(w.most, w.out)
	takes, hangs := w.takes, w.hangs
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.out--; w.mu.Unlock() }()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	time.Sleep(takes) // in synctest's clock
	answer := httptest.NewRecorder()
	if strings.Contains(r.URL.Path, "/o/org_own") {
		fmt.Fprint(answer, publishedKey)
	} else {
		http.NotFound(answer, r)
	}
	return answer.Result(), nil
}

func (w *workspace) sets() *token.KeySets {
	return token.NewKeySets(issuer, &http.Client{Transport: w})
}

// seen returns the number of requests, and the most at one time.
func (w *workspace) seen() (asked, most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked, w.most
}

func (w *workspace) change(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func TestKeySets_OrganizationsMadeUpRefuseNoIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workspace{takes: 5 * time.Millisecond}
		sets := w.sets()
		for i := range 12_000 { // more than any memory holds
			if _, err := sets.OrganizationKey(t.Context(), fmt.Sprint("org_made_up", i), "k1"); !errors.Is(err, token.ErrUnknownKey) {
				t.Fatalf("one that is made up: %v", err)
			}
		}
		for i := range 100 {
			if _, err := sets.OrganizationKey(t.Context(), fmt.Sprint("org_own", i), "k1"); err != nil {
				t.Fatalf("one that is there: %v", err)
			}
		}
	})
}

// TestKeySets_AFloodOfOrganizationsMadeUp: however many come at once, few requests are
// under way, and the next valid organization is fetched next.
func TestKeySets_AFloodOfOrganizationsMadeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workspace{takes: 50 * time.Millisecond}
		sets := w.sets()
		var flood sync.WaitGroup
		for i := range 5000 {
			flood.Go(func() { sets.OrganizationKey(t.Context(), fmt.Sprint("org_made_up", i), "k1") })
		}
		synctest.Wait()
		for i := range 20 {
			began := time.Now()
			if _, err := sets.OrganizationKey(t.Context(), fmt.Sprint("org_own", i), "k1"); err != nil || time.Since(began) > 200*time.Millisecond {
				t.Errorf("one that is there, after %v: %v", time.Since(began), err)
			}
		}
		flood.Wait()
		if _, most := w.seen(); most > 16 {
			t.Errorf("%d requests were under way at once", most)
		}
	})
}

func TestKeySets_AMissIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workspace{}
		sets := w.sets()
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { sets.OrganizationKey(t.Context(), "org_globex", "k1") })
		}
		all.Wait()
		for range 9 {
			time.Sleep(time.Second)
			if _, err := sets.OrganizationKey(t.Context(), "org_globex", "k1"); !errors.Is(err, token.ErrUnknownKey) {
				t.Error(err)
			}
		}
		if asked, _ := w.seen(); asked != 1 {
			t.Errorf("%d requests in nine seconds", asked)
		}
		time.Sleep(2 * time.Second)
		sets.OrganizationKey(t.Context(), "org_globex", "k1")
		if asked, _ := w.seen(); asked != 2 {
			t.Errorf("%d requests in eleven seconds: it may be an issuer by now", asked)
		}
	})
}

// TestKeySets_AnIssuerThatHangs: no caller waits long, few connections are open, and
// known keys still work.
func TestKeySets_AnIssuerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workspace{}
		sets := w.sets()
		for i := range 50 {
			if _, err := sets.OrganizationKey(t.Context(), fmt.Sprint("org_own", i), "k1"); err != nil {
				t.Fatal(err)
			}
		}
		w.change(func() { w.hangs, w.most = true, 0 })
		time.Sleep(11 * time.Second)
		var all sync.WaitGroup
		ask := func(organization, kid string) {
			all.Go(func() {
				began := time.Now()
				_, err := sets.OrganizationKey(t.Context(), organization, kid)
				if err == nil || errors.Is(err, token.ErrUnknownKey) || time.Since(began) > 10*time.Second {
					t.Errorf("%s %s, after %v: %v", organization, kid, time.Since(began), err)
				}
			})
		}
		for i := range 500 {
			ask(fmt.Sprint("org_made_up", i), "k1")
			ask(fmt.Sprint("org_own", i%50), fmt.Sprint("unknown", i))
		}
		synctest.Wait()
		for i := range 50 {
			if _, err := sets.OrganizationKey(t.Context(), fmt.Sprint("org_own", i), "k1"); err != nil {
				t.Errorf("a known key: %v", err)
			}
		}
		all.Wait()
		if _, most := w.seen(); most > 32 {
			t.Errorf("%d requests were under way at once", most)
		}
		time.Sleep(10 * time.Minute) // lets everything queued end
	})
}

// TestKeySets_WhoWentAwayIsNotAskedFor: their places in the queue are for callers that
// still wait.
func TestKeySets_WhoWentAwayIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workspace{takes: time.Second}
		sets := w.sets()
		gone, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() { sets.OrganizationKey(gone, fmt.Sprint("org_made_up", i), "k1") })
		}
		synctest.Wait()
		cancel()
		all.Wait()
		if _, err := sets.OrganizationKey(t.Context(), "org_own", "k1"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if asked, _ := w.seen(); asked > 17 {
			t.Errorf("%d requests", asked)
		}
	})
}
