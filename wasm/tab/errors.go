package tab

import "github.com/tabard-auth/tabard/backend/api"

// Codes that only the client knows, beside those of package api.
const (
	// OrganizationMismatch: the backend answered for another organization than
	// the one asked for. The token is thrown away.
	OrganizationMismatch api.Code = "organization_mismatch"
	// Overtaken: the tab went on to another organization, or was signed out,
	// while the answer was under way.
	Overtaken api.Code = "overtaken"
	// Closed: the client was closed.
	Closed api.Code = "client_closed"
)

// Error is a refusal or a fault, with what to do about it.
type Error struct {
	Code        api.Code
	Action      api.Action
	Description string
	// RetryAfter is the least time to wait before asking again, in seconds.
	RetryAfter int64
	// Reason is why the organization session ended, where one did.
	Reason string
	// LoginURL satisfies the refusal when navigated to.
	LoginURL string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

// JSON is the error as the face reads it.
func (e *Error) JSON() string {
	if e == nil {
		return "null"
	}
	o := newObject()
	o.text("code", string(e.Code))
	o.text("action", string(e.Action))
	o.text("description", e.Description)
	if e.RetryAfter > 0 {
		o.number("retryAfter", e.RetryAfter)
	}
	if e.Reason != "" {
		o.text("reason", e.Reason)
	}
	if e.LoginURL != "" {
		o.text("loginUrl", e.LoginURL)
	}
	return o.end()
}

func newError(code api.Code, description string) *Error {
	action := code.Action()
	if code == Overtaken {
		action = api.Retry
	}
	return &Error{Code: code, Action: action, Description: description}
}

// refusal is the error of an answer that carries one of the contract's codes.
func refusal(e api.Error) *Error {
	return &Error{
		Code: e.Code, Action: e.Code.Action(), Description: e.Description,
		RetryAfter: e.RetryAfter, Reason: e.Reason, LoginURL: e.LoginURL,
	}
}

// unreachable is the error of an answer that did not come, or that did not come
// from the backend. It ends nothing: a proxy's 401 signs nobody out.
func unavailable(why string) *Error { return newError(api.TemporarilyUnavailable, why) }

// again is why an answer was not used although nothing is wrong with the
// question: it is asked anew.
var errOutdated = newError(Overtaken, "the answer was out of date; ask again")

// overtaken is why nobody waits for an answer any more.
var errOvertaken = newError(Overtaken, "the tab has gone on to something else")

// closed is why a client that was closed gives nothing.
var errClosed = newError(Closed, "the client was closed")

// ends tells whether an error ends the organization session that it is about.
func (e *Error) endsOrganization() bool {
	return e.Action == api.StepUp || e.Code == api.OrganizationAccessDenied
}

// signsOut tells whether an error says that there is no session any more.
func (e *Error) signsOut() bool { return e != nil && e.Action == api.SignIn }
