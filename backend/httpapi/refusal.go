package httpapi

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
)

// body is the answer to a refused request; an alias, for an error's method takes
// the name that embedding would use.
type body = api.Error

// refusal is an error with its answer.
type refusal struct {
	body
	status int   // 0 means the code's own
	cause  error // for the log alone
	calm   bool  // it is no fault, whatever its status
}

func (r *refusal) Error() string { return string(r.Code) + ": " + r.Description }
func (r *refusal) Unwrap() error { return r.cause }

func refuse(code api.Code, description string) *refusal {
	return &refusal{body: body{Code: code, Description: description}}
}

func (r *refusal) with(status int) *refusal {
	r.status = status
	return r
}

// expected tells that the refusal is no fault.
func (r *refusal) expected() *refusal {
	r.calm = true
	return r
}

func (r *refusal) because(err error) *refusal {
	r.cause = err
	return r
}

// refusalOf returns the answer to any error. What is not known to be something
// else is a fault of the storage or of the host: nothing is known, nothing is
// given, and the client may try again.
func refusalOf(err error) *refusal {
	var known *refusal
	var refused *login.Refused
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, session.ErrNotFound):
		return refuse(api.SessionExpired, "The session has ended. Sign in again.").because(err)
	case errors.Is(err, token.ErrTooLarge):
		return refuse(api.ServerError, grant.TooLarge).because(err)
	case errors.Is(err, grant.ErrOvertaken):
		return refuse(api.RequestTooOld, "Somebody was active in another tab. Ask again.").because(err)
	case errors.Is(err, session.ErrOrganizationEnded):
		return refuse(api.OrganizationSessionExpired, "You signed out of this organisation.").because(err)
	case errors.As(err, &refused):
		return refuse(api.InvalidRequest, "The provider's message is not what was expected.").because(err)
	case errors.Is(err, login.ErrUnavailable):
		return refuse(api.TemporarilyUnavailable, "The sign-in service cannot be reached. Try again.").because(err)
	case errors.Is(err, context.Canceled):
		return refuse(api.TemporarilyUnavailable, "The request was given up.").because(err)
	}
	return refuse(api.TemporarilyUnavailable, "Something failed on the server. Try again.").because(err)
}

func (r *refusal) httpStatus() int {
	if r.status != 0 {
		return r.status
	}
	return r.Code.Status()
}

// ended tells what became of a session that no longer lives.
func ended(reason session.Reason) *refusal {
	text := "The session was ended. Sign in again."
	switch reason {
	case session.ReasonReuse:
		text = "The session was used from two places and was ended. Sign in again."
	case session.ReasonReuseElsewhere:
		text = "Another of your sessions was used from two places, and all were ended. Sign in again."
	case session.ReasonLost:
		text = "The session has ended. Sign in again."
	}
	return refuse(grant.Ended(reason), text)
}
