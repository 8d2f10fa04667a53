package login

import (
	"bytes"
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
	keys *keyAnswer
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	asks := b.keys.is(r.URL)
	if asks {
		if body := b.keys.last(time.Now()); body != nil {
			return answered(r, body), nil
		}
	}
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	if asks && response.StatusCode == http.StatusOK {
		return b.keys.keep(r, response)
	}
	return response, nil
}

// keyAnswer is the provider's last answer with its keys, which stands for keysPause. A
// token by a key that is not at hand makes go-oidc ask again, whoever sent it: nobody
// has to sign in to send a logout token. Sign-ins that come at once ask several times
// too, and each of them needs the answer.
type keyAnswer struct {
	mu      sync.Mutex
	address string // the key set's
	body    []byte
	at      time.Time
}

// of says where the keys are.
func (k *keyAnswer) of(address string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if u, err := url.Parse(address); err == nil {
		k.address = u.String()
	}
}

func (k *keyAnswer) is(u *url.URL) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return u.String() == k.address
}

// last returns the answer while it stands, and nil otherwise.
func (k *keyAnswer) last(now time.Time) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.at) >= keysPause {
		return nil
	}
	return k.body
}

// keep reads an answer, from which on it stands.
func (k *keyAnswer) keep(r *http.Request, response *http.Response) (*http.Response, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.body, k.at = body, time.Now()
	return answered(r, body), nil
}

func answered(r *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}
