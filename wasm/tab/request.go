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
	stop  chan struct{} // closed when it is over: its answer does not come any more
	limit *time.Timer
	why   *Error // it was hung up, where somebody knows; see lost
}

func (c *call) over() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// hangUp ends a call; only the first time counts.
func (c *call) hangUp(why *Error) {
	if !c.over() {
		c.why = why
		c.limit.Stop()
		close(c.stop)
	}
}

// lost is the error of a call that got no answer.
func (c *call) lost(otherwise string) *Error {
	if c.why != nil {
		return c.why
	}
	return unreachable(otherwise)
}

// calls are those that were begun and did not return.
type calls map[*call]bool

func (s calls) hangUpAll(why *Error) {
	for c := range s {
		c.hangUp(why)
	}
}

// call begins a request; it ends with send, or is hung up.
func (t *Tab) call() *call {
	c := &call{stop: make(chan struct{})}
	c.limit = time.AfterFunc(Timeout, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		c.hangUp(nil)
	})
	t.calls[c] = true
	return c
}

// send sends one request to the backend and reads its answer. Where the device key's
// proof was refused it sends it once more, with a fresh one.
func (t *Tab) send(c *call, method, path, body string) (Value, *Error) {
	v, err := t.exchange(c, method, path, body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && t.device.mends(err) {
		t.mu.Unlock()
		v, err = t.exchange(c, method, path, body)
		t.mu.Lock()
	}
	c.hangUp(nil)
	delete(t.calls, c)
	return v, err
}

// exchange is one request and its answer. A call that was hung up while its proof was
// made is not sent.
func (t *Tab) exchange(c *call, method, path, body string) (Value, *Error) {
	address, _, _ := strings.Cut(t.config.Backend+path, "?") // RFC 9449 section 4.2
	proof := t.proof(method, address, "")
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return nil, closed
	case c.over():
		return nil, c.lost("the request was given up before it was sent")
	}
	request := t.config.request(method, path, body, proof, t.clock.serverTime())
	t.mu.Unlock()
	response, err := t.world.Backend.Do(request, c.stop)
	t.mu.Lock()
	if err != nil || c.over() {
		return nil, c.lost("the backend cannot be reached")
	}
	v, refused := answer(response, t.world.Parse)
	t.clock.setServerTime(number(v, "server_time"))
	if v != nil && response.Nonce != "" {
		t.device.nonce = response.Nonce
	}
	if refused != nil {
		return nil, understood(refused, proof != "", &t.binding.state)
	}
	return v, nil
}

// answer reads a response. Any that the backend did not write itself counts as none.
func answer(response Response, parse func(string) (Value, error)) (Value, *Error) {
	v, err := parse(response.Body)
	switch {
	case err != nil || v == nil:
		return nil, foreign(response)
	case response.Status == 200:
		return v, nil
	}
	e := DecodeError(v)
	if e.Code == "" {
		return v, foreign(response)
	}
	return v, refusal(e)
}

// patience is the longest that the tab is told to wait by anybody but the backend.
const patience = 300

// foreign is the error of an answer that a proxy or a portal wrote.
func foreign(response Response) *Error {
	err := unreachable("the answer is not the backend's")
	err.RetryAfter = min(response.RetryAfter, patience)
	return err
}

// request is the one place where a request to the backend is made. now is the server's
// time, 0 while it is unknown.
func (c *Config) request(method, path, body, proof string, now int64) Request {
	r := Request{Method: method, URL: c.Backend + path, Body: body}
	r.header(api.HeaderClient, c.Release)
	if body != "" {
		r.header("Content-Type", "application/json")
	}
	if proof != "" {
		r.header(api.HeaderProof, proof)
	}
	if now > 0 {
		r.header(api.HeaderTime, strconv.FormatInt(now, 10))
	}
	return r
}

func (r *Request) header(name, value string) {
	r.Headers = append(r.Headers, [2]string{name, value})
}
