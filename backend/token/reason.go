package token

import (
	"errors"
	"fmt"
)

// Reason is why a token was refused. Reasons are stable.
type Reason string

// The reasons why a token is not authentic: none of its content may be trusted.
const (
	Malformed       Reason = "malformed"
	WrongType       Reason = "wrong_type"
	WrongIssuer     Reason = "wrong_issuer"
	UnknownKey      Reason = "unknown_key"
	BadSignature    Reason = "bad_signature"
	WrongAudience   Reason = "wrong_audience"
	MissingClaim    Reason = "missing_claim"
	KeysUnavailable Reason = "keys_unavailable" // undecided: the issuer's keys could not be fetched
)

// The reasons why an authentic token does not authorize.
const (
	Expired           Reason = "expired"
	NotYetValid       Reason = "not_yet_valid"
	SessionEnded      Reason = "session_ended"
	EndingsUnknown    Reason = "endings_unknown" // undecided: the feed of endings cannot be followed
	WrongOrganization Reason = "wrong_organization"
	// ProofRequired: the token is bound to a key (RFC 9449), and the request does not
	// prove possession of it.
	ProofRequired     Reason = "proof_required"
	InvalidProof      Reason = "invalid_proof"
	InsufficientScope Reason = "insufficient_scope" // a permission is missing
	// InsufficientAuthentication asks for a step-up (RFC 9470).
	InsufficientAuthentication Reason = "insufficient_user_authentication"
)

// Error is the error of a refused token.
type Error struct {
	Reason Reason
	Err    error // the cause, or nil
	// Demand is the unmet demand of InsufficientScope and InsufficientAuthentication.
	Demand Demand
	// Bound reports whether the token is bound to a key: its scheme is DPoP, not
	// Bearer.
	Bound bool
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("token: %s: %v", e.Reason, e.Err)
	}
	return "token: " + string(e.Reason)
}

func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns why err refused a token, and "" for any other error.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
