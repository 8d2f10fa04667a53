// Package refusal is the error of a refused request or command: a code for programs, a
// text for people, and a cause for the log only.
package refusal

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/page"
)

// Refusal is an error that has an HTTP answer.
type Refusal struct {
	Code api.Code
	Text string // for people
	// Reason is the Reason of the response: the missing condition, or why a session
	// ended.
	Reason string
	// Status is the HTTP status of the answer. 0 means the code's own.
	Status int
	// RetryAfter is the least time to wait before the next attempt, in seconds.
	RetryAfter int64
	// LoginURL satisfies the refusal when navigated to.
	LoginURL string
	// ACRValues and MaxAge are the step-up challenge (RFC 9470 section 3).
	ACRValues string
	MaxAge    *int64
	// Session is what the person may choose from.
	Session *api.SessionResponse
	// Accounts are the people who are signed in in the browser.
	Accounts []api.Account
	// Page is the page for people; empty means the code's own.
	Page page.Kind
	// RetryURL is the page's link to try again. If empty, the page links only to the
	// app.
	RetryURL string
	// Cause is for the log alone.
	Cause error
	// Fault makes the log record an error, whatever the status, and names the cause to
	// fix.
	Fault string
	// NoFault keeps the log from recording an error, whatever the status.
	NoFault bool
}

// New returns a refusal.
func New(code api.Code, text string) *Refusal { return &Refusal{Code: code, Text: text} }

// WithStatus sets the HTTP status of the answer.
func (r *Refusal) WithStatus(status int) *Refusal {
	r.Status = status
	return r
}

// WithCause sets the cause.
func (r *Refusal) WithCause(err error) *Refusal {
	r.Cause = err
	return r
}

// OnPage sets the page and its link to try again.
func (r *Refusal) OnPage(kind page.Kind, again string) *Refusal {
	r.Page, r.RetryURL = kind, again
	return r
}

// Expected sets NoFault.
func (r *Refusal) Expected() *Refusal {
	r.NoFault = true
	return r
}

func (r *Refusal) Error() string { return r.Text }
func (r *Refusal) Unwrap() error { return r.Cause }

// HTTPStatus returns the status of the answer.
func (r *Refusal) HTTPStatus() int {
	if r.Status != 0 {
		return r.Status
	}
	return r.Code.Status()
}

// Body returns the answer.
func (r *Refusal) Body() api.Error {
	return api.Error{
		Code: r.Code, Description: r.Text, Reason: r.Reason, RetryAfter: r.RetryAfter,
		LoginURL: r.LoginURL, ACRValues: r.ACRValues, MaxAge: r.MaxAge, Session: r.Session, Accounts: r.Accounts,
	}
}

// Is reports whether an error is a refusal.
func Is(err error) bool {
	_, is := errors.AsType[*Refusal](err)
	return is
}

// From returns the refusal in an error. Any other error is a fault of the store or of
// the host: access is not granted, and the client may try again.
func From(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return New(api.TemporarilyUnavailable, "Something failed on the server. Try again.").WithCause(err)
}
