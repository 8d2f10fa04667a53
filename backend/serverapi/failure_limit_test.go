package serverapi_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/host"
)

// from sends a request with a key from an address.
func (w *backend) from(address, key string) answer {
	r := w.request("GET", "/policy", "", key)
	r.RemoteAddr = address
	return w.send(r)
}

// wrong is a key that there could be, and is not.
func (w *backend) wrong() string {
	flipped := []byte(w.whole)
	flipped[len(flipped)-2] ^= 1
	return string(flipped)
}

// TestKey_ManyNetworksOfWrongOnesRefuseNoGoodOne: a /48, which any customer of a network
// gets, has more networks than the failures of each can be counted, and so has the
// Internet.
func TestKey_ManyNetworksOfWrongOnesRefuseNoGoodOne(t *testing.T) {
	w := newBackend(t, nil)
	wrong := w.wrong()
	goodKeysAreHeard := func() {
		t.Helper()
		for what, address := range map[string]string{
			"far away": "192.0.2.1:1", "far away, by IPv6": "[2001:db8:ffff:1::1]:1", "in the same /48": "[2001:db8:1:ffff::1]:1",
		} {
			if got := w.from(address, w.key(what, "")); got.Status != http.StatusOK {
				t.Errorf("a good key, %s: %d %s", what, got.Status, got.Body)
			}
		}
	}
	for i := range 10_031 {
		w.from(fmt.Sprintf("[2001:db8:1:%x::1]:1", i), wrong)
	}
	goodKeysAreHeard()
	for range 30 {
		w.from("198.51.100.1:1", wrong)
	}
	w.wants(w.from("198.51.100.1:1", w.whole), http.StatusTooManyRequests, api.RateLimited) // still counted
	for i := range 10_031 {
		w.from(fmt.Sprintf("[%x:%x::1]:1", 0x2400+i/256, i%256), wrong) // a /32 each
	}
	goodKeysAreHeard()
}

// lookups counts the keys that are looked up at once, and holds them while it is told.
type lookups struct {
	host.Store
	held chan struct{} // nil never waits

	mu        sync.Mutex
	out, most int
}

func (l *lookups) KeyByHash(ctx context.Context, hash string) (admin.Key, error) {
	l.mu.Lock()
	l.out++
	l.most = max(l.most, l.out)
	held := l.held
	l.mu.Unlock()
	if held != nil {
		<-held
	}
	defer func() { l.mu.Lock(); l.out--; l.mu.Unlock() }()
	return l.Store.KeyByHash(ctx, hash)
}

// TestKey_AFailingNetworkIsLookedUpAFewAtATime: its neighbors wait, and are heard.
func TestKey_AFailingNetworkIsLookedUpAFewAtATime(t *testing.T) {
	var slow lookups
	w := newBackend(t, func(s host.Store) host.Store { slow.Store = s; return &slow })
	wrong := w.wrong()
	for i := range 400 {
		w.from(fmt.Sprintf("[2001:db8:1:%x::1]:1", i), wrong)
	}
	slow.mu.Lock()
	slow.held, slow.most = make(chan struct{}), 0
	slow.mu.Unlock()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() { w.from(fmt.Sprintf("[2001:db8:1:a%x::1]:1", i), wrong) })
	}
	all.Go(func() {
		if got := w.from("[2001:db8:1:b::1]:1", w.whole); got.Status != http.StatusOK {
			t.Errorf("a neighbor with a good key: %d %s", got.Status, got.Body)
		}
	})
	for range 20 { // lookups begin and end, as fast as they come
		slow.held <- struct{}{}
	}
	close(slow.held)
	all.Wait()
	if slow.most > 2 {
		t.Errorf("%d keys of it were looked up at once", slow.most)
	}
}
