package tab

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// Timeout is the longest that a request to the backend may take. The rotation of the
// refresh token relies on it: no response is used later.
const Timeout = 20 * time.Second

// call is a request under way.
type call struct {
	stop   chan struct{} // closed at the end: its response is ignored
	limit  *time.Timer
	reason *Error // why it was canceled, if known; see failure
	// If fixed, the call is not the tab's person's: it names user, if any, and proves the
	// key of that name.
	user, key string
	fixed     bool
}

func (c *call) isOver() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// cancel ends a call; a second cancel has no effect.
func (c *call) cancel(why *Error) {
	if !c.isOver() {
		c.reason = why
		c.limit.Stop()
		close(c.stop)
	}
}

// failure returns the error of a call that got no response.
func (c *call) failure(otherwise string) *Error {
	if c.reason != nil {
		return c.reason
	}
	return unavailable(otherwise)
}

// calls are the calls under way.
type calls map[*call]bool

func (s calls) cancelAll(why *Error) {
	for c := range s {
		c.cancel(why)
	}
}

// newCallLocked begins a call; send ends it, or cancel does. The caller holds the
// mutex.
func (t *Tab) newCallLocked() *call {
	c := &call{stop: make(chan struct{})}
	c.limit = time.AfterFunc(Timeout, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		c.cancel(nil)
	})
	t.calls[c] = true
	return c
}

// send sends a request to the backend and reads its response. It retries once with a
// new proof if the device key's proof was refused, or with the next key.
func (t *Tab) send(c *call, method, path, body string) (Value, *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.binding.record
	names, nobody := t.keyNames(c), r.Key == "" && r.User.ID == ""
	if len(names) == 1 || c.fixed || r.person() != "" && r.Key == "" { // another tab may have replaced it
		names = slices.Insert(names, 1, names[0])
	}
	var v Value
	var err *Error
	for i, name := range names {
		t.mu.Unlock()
		if v, err = t.roundTrip(c, name, method, path, body); err != nil && err.wantsProof() && i+1 < len(names) && names[i+1] != name {
			v, err = t.roundTrip(c, name, method, path, body) // the key is right: another one would sign out
		}
		t.mu.Lock()
		if err == nil || i+1 == len(names) || !t.device.canRetry(err) {
			if i > 0 && name != keyName(r.Key) {
				r.Key = "" // it is not the person's
			}
			if !c.fixed && (nobody || i > 0) && (err == nil || err.session != nil) {
				t.foundKey(name)
			}
			break
		}
	}
	if !c.fixed {
		t.keepKey(v, err)
	}
	c.cancel(nil)
	delete(t.calls, c)
	return v, err
}

// roundTrip sends one request. A call that was canceled while its proof was made is not
// sent.
func (t *Tab) roundTrip(c *call, key, method, path, body string) (Value, *Error) {
	address, _, _ := strings.Cut(t.config.Backend+path, "?") // RFC 9449 section 4.2
	proof := t.proof(key, method, address, "")
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return nil, errClosed
	case c.isOver():
		return nil, c.failure("the request was canceled before it was sent")
	}
	request := t.config.newRequest(method, path, body, proof, t.clock.serverTime())
	if account := c.account(&t.binding.record); account != "" {
		request.addHeader(api.HeaderAccount, account)
	}
	t.mu.Unlock()
	response, err := t.env.Backend.Do(request, c.stop)
	t.mu.Lock()
	if err != nil || c.isOver() {
		return nil, c.failure("the backend cannot be reached")
	}
	v, refused := parseResponse(response, t.env.Parse)
	t.clock.setServerTime(number(v, "server_time"))
	if v != nil && response.Nonce != "" {
		t.device.nonce = response.Nonce
	}
	t.answered = t.answered || v != nil && !refused.isSetup()
	if refused != nil {
		return nil, classifyKeyError(refused, proof != "", &t.binding.state)
	}
	return v, nil
}

// account returns the header that says whom a call is for.
func (c *call) account(r *record) string {
	if c.fixed {
		return c.user
	}
	return r.account()
}

// parseResponse reads a response. One that the backend did not write counts as none.
func parseResponse(response Response, parse func(string) (Value, error)) (Value, *Error) {
	v, err := parse(response.Body)
	switch {
	case err != nil || v == nil:
		return nil, foreignResponse(response)
	}
	switch e := DecodeError(v); {
	case e.Code != "": // also with the status 200; see [api.QuietRefusals]
		return v, refusal(e)
	case response.Status == 200:
		return v, nil
	}
	return v, foreignResponse(response)
}

// maxRetryAfter is the longest wait, in seconds, that the tab accepts from a proxy.
const maxRetryAfter = 300

// foreignResponse returns the error of a response that a proxy or a captive portal
// wrote.
func foreignResponse(response Response) *Error {
	err := unavailable("the response did not come from the backend")
	err.RetryAfter = min(response.RetryAfter, maxRetryAfter)
	return err
}

// newRequest builds every request to the backend. now is the server's time, 0 while it
// is unknown.
func (c *Config) newRequest(method, path, body, proof string, now int64) Request {
	r := Request{Method: method, URL: c.Backend + path, Body: body}
	r.addHeader(api.HeaderClient, c.Release)
	if body != "" {
		r.addHeader("Content-Type", "application/json")
	}
	if proof != "" {
		r.addHeader(api.HeaderProof, proof)
	}
	if now > 0 {
		r.addHeader(api.HeaderTime, strconv.FormatInt(now, 10))
	}
	return r
}

func (r *Request) addHeader(name, value string) {
	r.Headers = append(r.Headers, [2]string{name, value})
}
