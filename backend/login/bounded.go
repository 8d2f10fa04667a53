package login

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	maxAnswer = 1 << 20 // bytes
	keysPause = 10 * time.Second
)

// bounded cuts answers at maxAnswer bytes, and asks for keys at a pace.
type bounded struct {
	next http.RoundTripper
	keys *pace
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	asks := b.keys.is(r.URL)
	if asks && !b.keys.due(time.Now()) {
		return nil, errTooOften
	}
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if asks && response.StatusCode == http.StatusOK {
		b.keys.had(time.Now())
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}

var errTooOften = errors.New("login: the provider's keys were asked for just now")

// pace is how often a provider is asked for its keys. A token by a key that is not at
// hand makes go-oidc ask again, whoever sent it: nobody has to sign in to send a logout
// token.
type pace struct {
	mu      sync.Mutex
	address string // the key set's
	at      time.Time
}

// of says where the keys are.
func (p *pace) of(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u, err := url.Parse(address); err == nil {
		p.address = u.String()
	}
}

func (p *pace) is(u *url.URL) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return u.String() == p.address
}

// due tells whether keysPause is over since they were had last.
func (p *pace) due(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at.IsZero() || now.Sub(p.at) >= keysPause
}

func (p *pace) had(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = now
}
