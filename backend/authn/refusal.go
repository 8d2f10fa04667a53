package authn

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
)

// RefusalOf returns the refusal for an error.
func RefusalOf(err error) *refusal.Refusal {
	var refused *login.Refused
	switch {
	case refusal.Is(err):
		return refusal.From(err)
	case errors.Is(err, session.ErrNotFound):
		return refusal.New(api.SessionExpired, "The session has ended. Sign in again.").WithCause(err)
	case errors.Is(err, token.ErrTooLarge):
		return refusal.New(api.ServerError, grant.TooLarge).WithCause(err)
	case errors.Is(err, orgsession.ErrOvertaken):
		return refusal.New(api.RequestTooOld, "Another request changed this session first. Send yours again.").WithCause(err)
	case errors.Is(err, orgsession.ErrEnded):
		return refusal.New(api.OrganizationSessionExpired, "Your session in this organization ended a moment ago. Enter it again.").WithCause(err)
	case errors.As(err, &refused):
		return refusal.New(api.InvalidRequest, "The identity provider's message is invalid.").WithCause(err)
	case errors.Is(err, login.ErrKeysPaused):
		again := refusal.New(api.RateLimited, "The provider's key set does not have this token's key, and was read a moment ago. Send the token again after Retry-After.").WithCause(err)
		again.RetryAfter = login.KeysPause
		return again
	case errors.Is(err, login.ErrUnavailable):
		unavailable := refusal.New(api.TemporarilyUnavailable, "The sign-in service cannot be reached. Try again.").WithCause(err)
		unavailable.Fault = string(login.FaultOf(err))
		return unavailable
	case errors.Is(err, context.Canceled):
		return refusal.New(api.TemporarilyUnavailable, "The request was canceled.").WithCause(err)
	}
	return refusal.From(err)
}

// EndedRefusal returns the refusal for a session that was ended.
func EndedRefusal(reason session.Reason) *refusal.Refusal {
	text := "The session was ended. Sign in again."
	switch reason {
	case session.ReasonReuse:
		text = "The session was used from two places and was ended. Sign in again."
	case session.ReasonReuseElsewhere:
		text = "Another of your sessions was used from two places, and all were ended. Sign in again."
	case session.ReasonLost:
		text = "The session has ended. Sign in again."
	case session.ReasonLimit:
		text = "You signed in in another browser, and the limit of browsers was reached. Sign in again."
	case session.ReasonProviderRefused:
		text = "Your identity provider no longer confirms your account. Sign in again."
	}
	r := refusal.New(grant.EndedCode(reason), text)
	switch reason {
	case session.ReasonLimit, session.ReasonProviderRefused:
		r.Reason = string(reason)
	}
	return r
}
