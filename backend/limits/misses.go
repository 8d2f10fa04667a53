package limits

import (
	"net/netip"
	"sync"
)

// Misses counts the requests of each network that name nothing known. A client that
// guesses uses up the share of its own network, and of no other.
type Misses struct {
	// Most is how many there may be of one network within Window seconds.
	Most   int
	Window int64

	mu    sync.Mutex
	since int64
	count map[missed]int
}

// missed is a network, and what its requests are about.
type missed struct {
	about   string
	network netip.Prefix
}

// Exceeded reports whether the network of an address has missed too often.
func (m *Misses) Exceeded(about, address string, now int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	for i, n := range missedBy(about, address) {
		if m.count[n] >= m.Most*max(1, sizes[i].times) {
			return true
		}
	}
	return false
}

// Add counts a miss.
func (m *Misses) Add(about, address string, now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	for _, n := range missedBy(about, address) {
		if _, known := m.count[n]; known || len(m.count) < maxCounted {
			m.count[n]++
		}
	}
}

// turn begins a window.
func (m *Misses) turn(now int64) {
	if m.count == nil || now-m.since >= m.Window || now < m.since {
		m.since, m.count = now, map[missed]int{}
	}
}

// missedBy returns the networks of an address, by the index of their size. Clients whose
// address is unknown are one network.
func missedBy(about, address string) map[int]missed {
	client, all := ParseAddress(address), map[int]missed{}
	for i := range sizes {
		if n, ok := network(client, i); ok {
			all[i] = missed{about, n}
		}
	}
	if len(all) == 0 {
		all[0] = missed{about: about}
	}
	return all
}

// ParseAddress returns the client of a request's remote address, which may have a port. It
// is the zero address for anything else.
func ParseAddress(text string) netip.Addr {
	client, err := netip.ParseAddr(text)
	if err != nil {
		with, _ := netip.ParseAddrPort(text)
		client = with.Addr()
	}
	return client.Unmap().WithZone("")
}
