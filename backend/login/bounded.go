package login

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	maxAnswer   = 1 << 20 // bytes
	maxRequests = 32
	keysPause   = KeysPause * time.Second
)

// KeysPause is the least time in seconds between two reads of keys for tokens that anybody
// can send.
const KeysPause = 10

// callTimeout is the longest time of all requests to the provider for one request of a
// browser. A host with a deadline of its own keeps a quarter of it for what follows.
const callTimeout = 20 * time.Second

func withinCall(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := callTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)*3/4)
	}
	return context.WithTimeout(ctx, timeout)
}

// errTooLarge is the error of an answer that is larger.
var errTooLarge = errors.New("the answer is larger than 1 MiB")

// limited is a body of up to a number of bytes.
type limited struct {
	io.Reader
	left int
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (n int, err error) {
	n, err = l.Reader.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// bounded limits answers to maxAnswer bytes and concurrent requests to maxRequests, so
// that a hanging provider does not use up all connections. Further requests wait until
// a slot is free or their context ends.
type bounded struct {
	next  http.RoundTripper
	slots chan struct{}
}

func newBounded(next http.RoundTripper) bounded {
	return bounded{next, make(chan struct{}, maxRequests)}
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case b.slots <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	leave := sync.OnceFunc(func() { <-b.slots })
	response, err := b.next.RoundTrip(r)
	if err != nil {
		leave()
		return nil, err
	}
	content := &withoutMark{content: bufio.NewReader(&limited{response.Body, maxAnswer})}
	response.Body = &answerBody{content, response.Body, leave}
	return response, nil
}

// answerBody is the body of an answer. Closing it frees the request's slot.
type answerBody struct {
	io.Reader
	body    io.Closer
	release func()
}

func (b *answerBody) Close() error {
	defer b.release()
	return b.body.Close()
}

// byteOrderMark is at the start of files by some editors and servers on Windows. JSON
// must not have one (RFC 8259 section 8.1).
const byteOrderMark = "\ufeff"

// withoutMark reads a text without its byte order mark.
type withoutMark struct {
	content *bufio.Reader
	begun   bool
}

// Read implements io.Reader.
func (w *withoutMark) Read(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		if first, _ := w.content.Peek(len(byteOrderMark)); string(first) == byteOrderMark {
			w.content.Discard(len(byteOrderMark)) // never fails after that
		}
	}
	return w.content.Read(p)
}

// throttled limits the requests to one address: an answer is reused for keysPause, a
// failure for failurePause. It fetches the keys for logout tokens. Anybody can send
// those, and go-oidc fetches the keys again for each unknown key id. Sign-ins do not
// use it, since they must accept a key that the provider has just started to use.
type throttled struct {
	next http.RoundTripper

	mu       sync.Mutex
	body     []byte
	at       time.Time
	failedAt time.Time
}

// errFailed is the error for a provider that has just failed to answer.
var errFailed = errors.New("login: the provider did not answer the previous request")

func (p *throttled) RoundTrip(r *http.Request) (*http.Response, error) {
	if body, err := p.cached(time.Now()); err != nil {
		return nil, err
	} else if body != nil {
		return jsonResponse(r, body), nil
	}
	response, err := p.next.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusOK {
		response, err = p.store(r, response)
		if err == nil {
			return response, nil
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failedAt = time.Now()
	return response, err
}

// cached returns the answer or the failure that is still valid. It returns nil if a
// request is due.
func (p *throttled) cached(now time.Time) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case now.Sub(p.at) < keysPause:
		return p.body, nil
	case now.Sub(p.failedAt) < failurePause:
		return nil, errFailed
	}
	return nil, nil
}

// readAt returns the time of the last answer.
func (p *throttled) readAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// store reads an answer and caches it.
func (p *throttled) store(r *http.Request, response *http.Response) (*http.Response, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body, p.at = body, time.Now()
	return jsonResponse(r, body), nil
}

func jsonResponse(r *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}
