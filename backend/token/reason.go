package token

import (
	"errors"
	"fmt"
)

// Reason tells why a token was refused. Reasons are stable.
type Reason string

// The reasons why a token is not authentic: nothing that it says is to be believed.
const (
	Malformed       Reason = "malformed"
	WrongType       Reason = "wrong_type"
	WrongIssuer     Reason = "wrong_issuer"
	UnknownKey      Reason = "unknown_key"
	BadSignature    Reason = "bad_signature"
	WrongAudience   Reason = "wrong_audience"
	MissingClaim    Reason = "missing_claim"
	KeysUnavailable Reason = "keys_unavailable" // no verdict: the issuer's keys could not be had
)

// The reasons why an authentic token does not authorize.
const (
	Expired           Reason = "expired"
	NotYetValid       Reason = "not_yet_valid"
	SessionEnded      Reason = "session_ended"
	WrongOrganization Reason = "wrong_organization"
	// ProofRequired: the token is bound to a key (RFC 9449), and nothing proves
	// that its bearer has it.
	ProofRequired     Reason = "proof_required"
	InvalidProof      Reason = "invalid_proof"
	InsufficientScope Reason = "insufficient_scope" // a permission is missing
	// InsufficientAuthentication asks for a step-up (RFC 9470).
	InsufficientAuthentication Reason = "insufficient_user_authentication"
)

// Error is the error of a refused token.
type Error struct {
	Reason Reason
	Err    error // the cause, where there is one
	// Demand is what was not met, of InsufficientScope and
	// InsufficientAuthentication.
	Demand Demand
	// Bound tells that the token is bound to a key: its scheme is DPoP, not Bearer.
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
