package serverapi

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/limits"
)

const (
	failureWindow = 60     // seconds
	maxNetworks   = 10_000 // that are counted, of each size
)

// networkSizes are the sizes of networks by which failures are counted, with the most
// failures of each in one window. The first is a client's own network, a /64 for IPv6.
// The others are networks of which one party can have many of the first.
var networkSizes = [...]struct{ bits4, bits6, most int }{
	{32, 64, 30},
	{24, 48, 300},
	{16, 32, 3000},
}

// failures counts requests without a valid key by network. Beyond maxNetworks further
// networks are not counted.
type failures struct {
	mu     sync.Mutex
	window int64
	count  [len(networkSizes)]map[netip.Prefix]int
}

func newFailures() *failures {
	f := &failures{}
	for i := range f.count {
		f.count[i] = map[netip.Prefix]int{}
	}
	return f
}

// limitState is the state of an address.
type limitState int

const (
	allowed limitState = iota
	queued             // its neighbors failed often, or it was not counted
	blocked            // it failed often itself
)

func (f *failures) state(address string, now int64) limitState {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.startWindow(now)
	client := limits.ParseAddress(address)
	if own := network(client, 0); f.count[0][own] >= networkSizes[0].most {
		return blocked
	}
	for i := range networkSizes {
		n, counted := f.count[i][network(client, i)]
		if n >= networkSizes[i].most || !counted && len(f.count[i]) >= maxNetworks {
			return queued
		}
	}
	return allowed
}

func (f *failures) add(address string, now int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.startWindow(now)
	client := limits.ParseAddress(address)
	for i := len(networkSizes) - 1; i >= 0; i-- {
		n, count := network(client, i), f.count[i]
		if count[n] >= networkSizes[i].most { // the network is over its limit, so smaller ones need no count
			return
		}
		if count[n] > 0 || len(count) < maxNetworks {
			count[n]++
		}
	}
}

// startWindow starts a new window when the time has left the current one.
func (f *failures) startWindow(now int64) {
	if w := now / failureWindow; w != f.window {
		f.window = w
		for _, count := range f.count {
			clear(count)
		}
	}
}

// retryAfter returns the time to the end of the window, in seconds.
func (f *failures) retryAfter(now int64) int64 { return failureWindow - now%failureWindow }

// network returns the client's network of the i-th size.
func network(client netip.Addr, i int) netip.Prefix {
	bits := networkSizes[i].bits4
	if client.Is6() {
		bits = networkSizes[i].bits6
	}
	n, _ := client.Prefix(bits)
	return n
}

// lookupSlots limits concurrent look-ups of keys, in the order of arrival.
type lookupSlots chan struct{}

const (
	maxLookups    = 2
	lookupTimeout = 5 * time.Second
)

func newLookupSlots() lookupSlots { return make(lookupSlots, maxLookups) }

// acquire waits for a slot, and reports whether it got one in time.
func (l lookupSlots) acquire(ctx context.Context) bool {
	late := time.NewTimer(lookupTimeout)
	defer late.Stop()
	select {
	case l <- struct{}{}:
		return true
	case <-late.C:
	case <-ctx.Done():
	}
	return false
}

func (l lookupSlots) release() { <-l }
