package login

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Fault is a defect of the deployment or the provider that prevents all sign-ins until
// it is fixed. It is empty if only this person was refused or should try again.
type Fault string

// The faults.
const (
	// FaultClient means that the provider rejects the client: its id, its secret or
	// key, which may have expired, or its permissions.
	FaultClient Fault = "client"
	// FaultRequest means that the provider rejects the request, for example its
	// redirect URI.
	FaultRequest Fault = "request"
	// FaultReported is an error or a malformed response that came through the browser, or
	// the refusal of a pushed request with parameters of the browser's. Anybody can cause one.
	FaultReported Fault = "reported"
	// FaultToken means that an identity token, or userinfo, is for another client, issuer or
	// person, or lacks what a sign-in needs.
	FaultToken Fault = "token"
	// FaultClock means that an identity token is not valid at the current time.
	FaultClock Fault = "clock"
	// FaultKeys means that the key set cannot be read or lacks a token's key.
	FaultKeys Fault = "keys"
	// FaultAway means that the provider does not answer or has an internal error.
	FaultAway Fault = "away"
)

// Faults returns every fault.
func Faults() []Fault {
	return []Fault{FaultClient, FaultRequest, FaultReported, FaultToken, FaultClock, FaultKeys, FaultAway}
}

// errKeys is the error for an unreadable key set.
var errKeys = fmt.Errorf("%w: its key set", ErrUnavailable)

// FaultOf returns the fault of an error, or "".
func FaultOf(err error) Fault {
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		return refused.Fault
	case errors.Is(err, errKeys):
		return FaultKeys
	case errors.Is(err, ErrUnavailable):
		return FaultAway
	}
	return ""
}

// faultError returns the error for a fault.
func (p *Provider) faultError(f Fault, format string, args ...any) *Refused {
	return &Refused{Code: invalidResponse, Fault: f, Err: fmt.Errorf("%s: "+format, append([]any{p.config.Issuer}, args...)...)}
}

const maxPrintable = 300

// printable joins texts of a provider into one line of limited length.
func printable(parts ...string) string {
	var said []string
	for _, part := range parts {
		part = strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(part, ""))
		if part = strings.Join(strings.Fields(part), " "); part != "" {
			said = append(said, part)
		}
	}
	joined := strings.Join(said, ": ")
	if joined == "" {
		return "no reason given"
	}
	if runes := []rune(joined); len(runes) > maxPrintable {
		return string(runes[:maxPrintable]) + "…"
	}
	return joined
}

// ErrCodeRefused is in the error of a code that the provider does not accept, such as one
// that was redeemed before.
var ErrCodeRefused = errors.New("the code was refused")

// exchangeError classifies the failure of a code exchange.
func (p *Provider) exchangeError(err error, secrets ...string) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil {
		return fmt.Errorf("%w: its token endpoint: %s", ErrUnavailable, p.redact(secrets, err.Error()))
	}
	code, description := answer.ErrorCode, answer.ErrorDescription
	if bytes.HasPrefix(bytes.TrimSpace(answer.Body), []byte("{")) { // oauth2 reads Error as error
		var exact usedTokens
		if strictjson.DecodeKnown(answer.Body, &exact) != nil {
			exact = usedTokens{}
		}
		code, description = string(exact.Error), string(exact.ErrorDescription)
	}
	said := p.redact(secrets, code, description)
	if code == "" {
		said = p.redact(secrets, string(answer.Body))
	}
	return p.endpointError("its token endpoint", answer.Response.StatusCode, code, said)
}

// endpointError classifies an error response of a back-channel endpoint. The error code
// says more than the status: some providers send it with 200, or invalid_grant with 401.
func (p *Provider) endpointError(endpoint string, status int, code, said string) error {
	switch {
	case status/100 != 4 && (status/100 != 2 || code == ""), retryLater[status], retryCodes[code], code == "" && noEndpoint[status]:
		return fmt.Errorf("%w: %s answers %d: %s", ErrUnavailable, endpoint, status, said)
	case code == "invalid_grant":
		return refused("%w: %s", ErrCodeRefused, said)
	case code == "invalid_client" || code == "unauthorized_client" || status == http.StatusUnauthorized || status == http.StatusForbidden:
		return p.faultError(FaultClient, "%s refuses the client: %s", endpoint, said)
	}
	return p.faultError(FaultRequest, "%s refuses the request: %s", endpoint, said)
}

// noEndpoint are the statuses of a server without such an endpoint. retryLater and
// retryCodes are those of one that cannot answer now.
var (
	noEndpoint = map[int]bool{http.StatusNotFound: true, http.StatusMethodNotAllowed: true, http.StatusGone: true}
	retryLater = map[int]bool{http.StatusRequestTimeout: true, http.StatusTooEarly: true, http.StatusTooManyRequests: true}
	retryCodes = map[string]bool{"server_error": true, "temporarily_unavailable": true, noTokens: true}
)

// deploymentErrors are the error codes of an authorization response that no person
// causes (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6).
var deploymentErrors = map[string]bool{
	"invalid_request": true, "unauthorized_client": true, "invalid_client": true, "unsupported_response_type": true,
	"invalid_scope": true, "server_error": true, "temporarily_unavailable": true, "invalid_request_uri": true,
	"invalid_request_object": true, "request_not_supported": true, "request_uri_not_supported": true, "invalid_redirect_uri": true,
}

// IsDeploymentError reports whether no person causes an error code of an authorization
// response.
func IsDeploymentError(code string) bool { return deploymentErrors[code] }

// errorCode is the syntax of an error code (RFC 6749 section 4.1.2.1) with a length
// that fits into a URL.
var errorCode = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E][\x20\x21\x23-\x5B\x5D-\x7E]{0,99}$`)

// authorizationError returns the error of an authorization response.
func (p *Provider) authorizationError(code, description string) error {
	if !errorCode.MatchString(code) { // it stands in an address of the app's
		return p.faultError(FaultReported, "the provider refused with a malformed error %.100q", code)
	}
	r := &Refused{Code: code, Err: fmt.Errorf("the provider refused: %s", printable(description))}
	if deploymentErrors[code] {
		r.Fault, r.Err = FaultReported, fmt.Errorf("%s: reported through the browser: %s", p.config.Issuer, printable(description))
	}
	return r
}
