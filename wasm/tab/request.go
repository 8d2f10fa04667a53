package tab

import (
	"strconv"
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

func (t *Tab) hangUpAll() {
	for c := range t.calls {
		t.hangUp(c)
	}
}

// send sends one request to the backend and reads its answer. Any answer that
// the backend did not write itself counts as none.
func (t *Tab) send(c *call, method, path, body string) (Value, *Error) {
	request := t.request(method, path, body)
	if t.closedNow() {
		return nil, closed
	}
	response, err := t.world.Backend.Do(request, c.stop)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || !t.calls[c] {
		t.hangUp(c)
		return nil, unreachable("the backend cannot be reached")
	}
	t.hangUp(c)
	v, err := t.world.Parse(response.Body)
	if err != nil || v == nil {
		return nil, unreachable("the answer is not the backend's")
	}
	t.clock.learn(number(v, "server_time"))
	if response.Status == 200 {
		return v, nil
	}
	e := DecodeError(v)
	if e.Code == "" {
		return nil, unreachable("the answer is not the backend's")
	}
	return nil, refusal(e)
}

// request is the one place where a request to the backend is made.
func (t *Tab) request(method, path, body string) Request {
	r := Request{Method: method, URL: t.config.Backend + path, Body: body}
	r.Headers = append(r.Headers, [2]string{api.HeaderClient, t.config.Release})
	if body != "" {
		r.Headers = append(r.Headers, [2]string{"Content-Type", "application/json"})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.clock.serverTime(); now > 0 {
		r.Headers = append(r.Headers, [2]string{api.HeaderTime, strconv.FormatInt(now, 10)})
	}
	return r
}
