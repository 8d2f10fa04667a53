package login

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	maxAnswer = 1 << 20 // bytes
	keysPause = 10 * time.Second
)

// bounded cuts answers at maxAnswer bytes.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}

// paced asks one address at a pace: an answer stands for keysPause. It has the keys for
// logout tokens, which nobody has to sign in to send, and of which each by a key that is
// not at hand makes go-oidc ask again. Sign-ins have theirs without it: whoever redeems a
// code cannot wait until a key that the provider has just taken may be asked for.
type paced struct {
	next http.RoundTripper

	mu   sync.Mutex
	body []byte
	at   time.Time
}

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if body := p.last(time.Now()); body != nil {
		return answered(r, body), nil
	}
	response, err := p.next.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	return p.keep(r, response)
}

// last returns the answer while it stands, and nil otherwise.
func (p *paced) last(now time.Time) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.at) >= keysPause {
		return nil
	}
	return p.body
}

// keep reads an answer, from which on it stands.
func (p *paced) keep(r *http.Request, response *http.Response) (*http.Response, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body, p.at = body, time.Now()
	return answered(r, body), nil
}

func answered(r *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}
