package tab

import (
	"context"
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// Timeout is how long a request to the backend may take. The rotation of the
// refresh token relies on it: nothing takes effect later.
const Timeout = 20 * time.Second

// send sends one request to the backend and reads its answer. Any answer that
// the backend did not write itself counts as none.
func (t *Tab) send(ctx context.Context, method, path, body string) (Value, *Error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if ctx.Err() != nil {
		return nil, unreachable("the request was given up before it was sent")
	}
	response, err := t.world.Backend.Do(ctx, t.request(method, path, body))
	if err != nil {
		return nil, unreachable("the backend cannot be reached")
	}
	v, err := t.world.Parse(response.Body)
	if err != nil || v == nil {
		return nil, unreachable("the answer is not the backend's")
	}
	t.learn(number(v, "server_time"))
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

func (t *Tab) learn(serverTime int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock.learn(serverTime)
}
