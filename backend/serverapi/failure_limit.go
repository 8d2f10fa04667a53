package serverapi

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

const (
	failureWindow = 60     // seconds
	maxNetworks   = 10_000 // that are counted, of each size
)

// sizes are the networks that failures are counted by, with how many each may have in
// one window. The first is a client's own, which for IPv6 is a /64. The others are
// those that somebody can have many of the first in.
var networkSizes = [...]struct{ bits4, bits6, most int }{
	{32, 64, 30},
	{24, 48, 300},
	{16, 32, 3000},
}

// failures counts requests without a valid key by network. Those beyond the networks
// that are kept are not counted.
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

// standing is what is known of an address.
type limitState int

const (
	allowed limitState = iota
	queued             // its neighbors failed often, or nobody could count
	blocked            // it failed often itself
)

func (f *failures) state(address string, now int64) limitState {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.startWindow(now)
	client := clientAddress(address)
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
	client := clientAddress(address)
	for i := len(networkSizes) - 1; i >= 0; i-- {
		n, count := network(client, i), f.count[i]
		if count[n] >= networkSizes[i].most { // what is in it needs no counts of its own
			return
		}
		if count[n] > 0 || len(count) < maxNetworks {
			count[n]++
		}
	}
}

// turn begins the window that a time lies in.
func (f *failures) startWindow(now int64) {
	if w := now / failureWindow; w != f.window {
		f.window = w
		for _, count := range f.count {
			clear(count)
		}
	}
}

// retryAfter is how long the window lasts.
func (f *failures) retryAfter(now int64) int64 { return failureWindow - now%failureWindow }

// clientAddress reads the address of a request. One that is none is the zero address.
func clientAddress(address string) netip.Addr {
	client, err := netip.ParseAddr(address)
	if err != nil {
		with, _ := netip.ParseAddrPort(address)
		client = with.Addr()
	}
	return client.Unmap().WithZone("")
}

// network returns the network of a client of the i-th size.
func network(client netip.Addr, i int) netip.Prefix {
	bits := networkSizes[i].bits4
	if client.Is6() {
		bits = networkSizes[i].bits6
	}
	n, _ := client.Prefix(bits)
	return n
}

// lane is where keys are looked up a few at a time, in the order in which they came.
type lookupSlots chan struct{}

const (
	maxLookups    = 2
	lookupTimeout = 5 * time.Second
)

func newLookupSlots() lookupSlots { return make(lookupSlots, maxLookups) }

// enter waits for a place, and reports whether there was one in time.
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
