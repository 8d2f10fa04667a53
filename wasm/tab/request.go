package tab

import (
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// Timeout is how long a request to the backend may take. The rotation of the
// refresh token relies on it: nothing takes effect later.
const Timeout = 20 * time.Second

// call is a request under way.
type call struct {
	stop  chan struct{}
	limit *time.Timer
	why   *Error // it was hung up, where somebody knows; see lost
}

// lost is the error of a call that got no answer.
func (c *call) lost(otherwise string) *Error {
	if c.why != nil {
		return c.why
	}
	return unreachable(otherwise)
}

// call begins a request; it ends with send, or is hung up.
func (t *Tab) call() *call {
	c := &call{stop: make(chan struct{})}
	c.limit = time.AfterFunc(Timeout, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.hangUp(c)
	})
	t.calls[c] = true
	return c
}

// hangUp ends a call; its answer does not come any more.
func (t *Tab) hangUp(c *call) {
	if t.calls[c] {
		delete(t.calls, c)
		c.limit.Stop()
		close(c.stop)
	}
}

func (t *Tab) hangUpAll(why *Error) {
	for c := range t.calls {
		c.why = why
		t.hangUp(c)
	}
}

// send sends one request to the backend and reads its answer. Where the device key's
// proof was refused it sends it once more, with a fresh one.
func (t *Tab) send(c *call, method, path, body string) (Value, *Error) {
	v, err := t.exchange(c, method, path, body)
	if err != nil && t.mends(err) {
		v, err = t.exchange(c, method, path, body)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hangUp(c)
	return v, err
}

// exchange is one request and its answer. Any answer that the backend did not write
// itself counts as none.
func (t *Tab) exchange(c *call, method, path, body string) (Value, *Error) {
	request := t.request(method, path, body)
	if err := t.gone(c); err != nil {
		return nil, err
	}
	response, err := t.world.Backend.Do(request, c.stop)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || !t.calls[c] {
		return nil, c.lost("the backend cannot be reached")
	}
	v, err := t.world.Parse(response.Body)
	if err != nil || v == nil {
		return nil, foreign(response)
	}
	t.clock.learn(number(v, "server_time"))
	if response.Nonce != "" {
		t.nonce = response.Nonce
	}
	if response.Status == 200 {
		return v, nil
	}
	e := DecodeError(v)
	if e.Code == "" {
		return nil, foreign(response)
	}
	return nil, t.understood(refusal(e), request)
}

// patience is the longest that the tab is told to wait by anybody but the backend.
const patience = 300

// foreign is the error of an answer that a proxy or a portal wrote.
func foreign(response Response) *Error {
	err := unreachable("the answer is not the backend's")
	err.RetryAfter = min(response.RetryAfter, patience)
	return err
}

// gone tells why a call is not to be sent any more: it was hung up while its proof
// was made.
func (t *Tab) gone(c *call) *Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return closed
	case !t.calls[c]:
		return c.lost("the request was given up before it was sent")
	}
	return nil
}

// request is the one place where a request to the backend is made.
func (t *Tab) request(method, path, body string) Request {
	r := Request{Method: method, URL: t.config.Backend + path, Body: body}
	r.Headers = append(r.Headers, [2]string{api.HeaderClient, t.config.Release})
	if body != "" {
		r.Headers = append(r.Headers, [2]string{"Content-Type", "application/json"})
	}
	address, _, _ := strings.Cut(r.URL, "?") // RFC 9449 section 4.2
	if proof := t.proof(method, address, ""); proof != "" {
		r.Headers = append(r.Headers, [2]string{api.HeaderProof, proof})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.clock.serverTime(); now > 0 {
		r.Headers = append(r.Headers, [2]string{api.HeaderTime, strconv.FormatInt(now, 10)})
	}
	return r
}
