package hold

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// firstMessage is how long a connection may wait for its token.
const firstMessage = 5 * time.Second

// Connection is what a holder needs of a WebSocket library's connection. Write and Close
// may be called while Read waits. Close sends a close frame, after which Read returns an
// error.
type Connection interface {
	Read(context.Context) (text bool, message []byte, err error)
	Write(ctx context.Context, text bool, message []byte) error
	Close(code int, reason string) error
}

// Upgrade makes a WebSocket of a request, with the subprotocol. It need not look at
// Origin. It answers the request itself if it returns an error.
type Upgrade func(w http.ResponseWriter, r *http.Request, subprotocol string) (Connection, error)

// Conn is a WebSocket that acts for an organization.
type Conn struct {
	connection Connection
	holder     *Holder
	request    *http.Request
	rule       resource.Rule
	ctx        context.Context
	cancel     context.CancelCauseFunc
	inbox      *inbox
	once       sync.Once
	closed     chan struct{} // by the connection's close
	lease      *lease
}

// Handler serves WebSockets whose pages are of the holder's origins and whose first message
// has a token that a rule allows. A route's path may name the organization, as the rule
// says. serve is called for each, until it returns; then the connection is closed. Every
// other connection is closed with a code of 4000 plus the status that a request would have
// been answered with, and a stable code as its reason.
//
// Refuse of the rule is not called: a WebSocket has no answer.
func (h *Holder) Handler(rule resource.Rule, upgrade Upgrade, serve func(*Conn)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !h.fromPage(r):
			refuseOrigin(w)
			return
		case !offers(r):
			refuse(w, http.StatusBadRequest, "invalid_request", "Open the WebSocket with the subprotocol "+Subprotocol+", as the client's connect does.")
			return
		}
		connection, err := upgrade(w, r, Subprotocol)
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		c := &Conn{
			connection: connection, holder: h, request: r, rule: rule, ctx: ctx, cancel: cancel,
			inbox: newInbox(), closed: make(chan struct{}),
		}
		defer c.end(nil)
		if c.open() {
			defer c.lease.release()
			go c.read()
			serve(c)
		}
	})
}

// offers reports whether a request asks for a WebSocket with the subprotocol.
func offers(r *http.Request) bool {
	for _, list := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(list, ",") {
			if strings.TrimSpace(name) == Subprotocol {
				return r.Method == http.MethodGet
			}
		}
	}
	return false
}

// open awaits the first message, and reports whether it admits the connection.
func (c *Conn) open() bool {
	late := time.AfterFunc(firstMessage, func() { c.end(errNoCredential) })
	text, first, err := c.connection.Read(c.ctx)
	if !late.Stop() || err != nil {
		c.end(err)
		return false
	}
	raw, admitted, err := c.admit(text, first)
	if err != nil {
		c.end(err)
		return false
	}
	claims := resource.ClaimsFrom(admitted)
	c.ctx = admitted
	c.lease = c.holder.hold(raw, claims, c.end)
	answer := accepted{claims.OrganizationID, int64(lifeOf(claims, c.holder.guard.Now()) / time.Second)}
	if err := c.connection.Write(c.ctx, true, answer.message()); err != nil {
		c.lease.release()
		c.end(err)
		return false
	}
	return true
}

// admit judges a message with a token as the guard judges a request with it.
func (c *Conn) admit(text bool, body []byte) (raw string, admitted context.Context, err error) {
	sent, err := readCredential(text, body)
	if err != nil {
		return "", nil, err
	}
	r := c.request.Clone(c.ctx)
	r.Header.Del("DPoP")
	r.Header.Set("Authorization", "Bearer "+sent.Token)
	if sent.Proof != "" {
		r.Header.Set("Authorization", "DPoP "+sent.Token)
		r.Header.Set("DPoP", sent.Proof)
	}
	r, err = c.holder.guard.Admit(r, c.rule)
	if err != nil {
		return "", nil, err
	}
	if lifeOf(resource.ClaimsFrom(r.Context()), c.holder.guard.Now()) <= 0 {
		return "", nil, &token.Error{Reason: token.Expired}
	}
	return sent.Token, r.Context(), nil
}

// read hands the application's messages on, and takes renewals itself.
func (c *Conn) read() {
	for {
		text, body, err := c.connection.Read(c.ctx)
		switch {
		case err != nil:
		case isCredential(text, body):
			err = c.renew(text, body)
		default:
			err = c.inbox.put(c.ctx, message{text, body})
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

// renew goes on with another token of the same session, organization, audience and key.
func (c *Conn) renew(text bool, body []byte) error {
	raw, admitted, err := c.admit(text, body)
	if err != nil {
		return err
	}
	was, is := resource.ClaimsFrom(c.ctx), resource.ClaimsFrom(admitted)
	if err := resource.Match(c.ctx, is.OrganizationID); err != nil { // which is recorded as an alarm
		return errOther
	}
	if was.Subject != is.Subject || was.SessionID != is.SessionID || was.ClientID != is.ClientID ||
		!slices.Equal(was.Audience, is.Audience) || keyOf(was) != keyOf(is) ||
		was.Lent != is.Lent || is.Lent && !slices.Equal(was.Permissions, is.Permissions) {
		return errOther
	}
	c.lease.renew(raw, is)
	return nil
}

func keyOf(c *token.Claims) string {
	if c.Confirmation == nil {
		return ""
	}
	return c.Confirmation.JKT
}

// end cancels the context, then closes the connection, once.
func (c *Conn) end(cause error) {
	c.once.Do(func() {
		c.cancel(cause)
		c.connection.Close(closing(cause))
		close(c.closed)
	})
	<-c.closed
}

// Context ends with the connection, and its cause says why. ClaimsFrom, OrganizationFrom
// and Match of package resource read it. The claims are those of the first token.
func (c *Conn) Context() context.Context { return c.ctx }

// Read returns the next message of the page's. Up to a MiB waits for it; if the handler then
// takes none for five seconds, the connection is closed. A handler that reads no more calls
// [Conn.Discard].
func (c *Conn) Read() (text bool, body []byte, err error) {
	m, found := c.inbox.get(c.ctx)
	if !found {
		return false, nil, context.Cause(c.ctx)
	}
	return m.text, m.body, nil
}

// Discard drops the messages of the page's that wait, and all that come from now on.
func (c *Conn) Discard() { c.inbox.discard() }

// Write sends a message. It sends none once the connection's context has ended.
func (c *Conn) Write(text bool, body []byte) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.connection.Write(c.ctx, text, body)
}

// Request returns the request that opened the connection, with the connection's context.
func (c *Conn) Request() *http.Request { return c.request.WithContext(c.ctx) }
