package serverapi

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/backend/administration"
	"github.com/tabard-auth/tabard/backend/api"
)

// admit lets a request with a valid key pass, and finds whose it is. No browser sends
// such requests: what carries a browser's headers is refused, whatever its origin.
// Cookies decide nothing. Each address has some failures in a minute, and is then
// refused unheard, but for keys that were good a while ago: nobody locks a server out
// with which they share an address.
func (c *call) admit() error {
	for _, browsers := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"} {
		if len(c.r.Header.Values(browsers)) > 0 {
			return refuse(api.OriginNotAllowed, "This is for servers: browsers are refused.")
		}
	}
	now, text := c.now().Unix(), bearer(c.r.Header.Values("Authorization"))
	if !c.failures.allowed(c.r.RemoteAddr, now) && !c.proven.holds(text, now) {
		return refuse(api.RateLimited, "Too many requests without a valid key came from this address. Try again later.")
	}
	by, err := c.office.Authenticate(c.ctx, c.kind, text, c.r.RemoteAddr)
	var refused *administration.Refusal
	switch {
	case errors.As(err, &refused):
		c.failures.add(c.r.RemoteAddr, now)
		c.proven.forget(text)
	case err == nil:
		c.proven.note(text, now)
	}
	c.by = by
	return err
}

// bearer returns the token of an Authorization header that stands once (RFC 6750
// section 2.1).
func bearer(headers []string) string {
	if len(headers) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

const (
	provenLife = 60 * 60 // seconds
	maxProven  = 1000
)

// proven are the keys that were good, by their hash, with the time.
type proven struct {
	mu sync.Mutex
	at map[[sha256.Size]byte]int64
}

func newProven() *proven { return &proven{at: map[[sha256.Size]byte]int64{}} }

func (p *proven) holds(text string, now int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[sha256.Sum256([]byte(text))]
	return ok && now-at <= provenLife
}

func (p *proven) note(text string, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) >= maxProven {
		clear(p.at)
	}
	p.at[sha256.Sum256([]byte(text))] = now
}

func (p *proven) forget(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, sha256.Sum256([]byte(text)))
}

const (
	failureWindow = 60 // seconds
	maxFailures   = 30 // in one window, of one address
	maxAddresses  = 10_000
)

// failures counts requests without a valid key by address, of which an IPv6 client
// has a network of /64. Addresses beyond those that are kept count as one.
type failures struct {
	mu     sync.Mutex
	window int64
	count  map[netip.Prefix]int
}

func newFailures() *failures { return &failures{count: map[netip.Prefix]int{}} }

func (f *failures) allowed(address string, now int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn(now)
	return f.count[f.network(address)] < maxFailures
}

func (f *failures) add(address string, now int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn(now)
	f.count[f.network(address)]++
}

// turn begins the window that a time lies in.
func (f *failures) turn(now int64) {
	if w := now / failureWindow; w != f.window {
		f.window = w
		clear(f.count)
	}
}

// retryAfter is how long the window lasts.
func (f *failures) retryAfter(now int64) int64 { return failureWindow - now%failureWindow }

func (f *failures) network(address string) netip.Prefix {
	client, err := netip.ParseAddr(address)
	if err != nil {
		with, _ := netip.ParseAddrPort(address)
		client = with.Addr()
	}
	client = client.Unmap()
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	network, _ := client.WithZone("").Prefix(bits)
	if _, known := f.count[network]; !known && len(f.count) >= maxAddresses {
		return netip.Prefix{}
	}
	return network
}
