package login

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/oauth2"
)

// Fault is what a deployment or its provider does wrong, so that nobody can sign in
// until somebody mends it. The zero value is none: a person was refused, or has to try
// again.
type Fault string

// The faults.
const (
	// FaultClient is a client that the provider refuses: its id, its secret or key, which
	// may have expired, or what it may do.
	FaultClient Fault = "client"
	// FaultRequest is a request that the provider refuses, such as for its redirect URI.
	FaultRequest Fault = "request"
	// FaultReported is a fault that the provider reports by way of the browser. Anybody can
	// report one.
	FaultReported Fault = "reported"
	// FaultToken is an identity token that the provider made for somebody else.
	FaultToken Fault = "token"
	// FaultClock is an identity token of another time.
	FaultClock Fault = "clock"
	// FaultKeys is a key set that cannot be read, or lacks the key of a token.
	FaultKeys Fault = "keys"
	// FaultAway is a provider that does not answer, or answers with an error of its own.
	FaultAway Fault = "away"
)

// Faults returns every fault.
func Faults() []Fault {
	return []Fault{FaultClient, FaultRequest, FaultReported, FaultToken, FaultClock, FaultKeys, FaultAway}
}

// errKeys is the error for a key set that cannot be read.
var errKeys = fmt.Errorf("%w: its key set", ErrUnavailable)

// FaultOf returns the fault that an error of this package is.
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

// faultError refuses a sign-in for a fault of the deployment or the provider.
func (p *Provider) faultError(f Fault, format string, args ...any) error {
	return &Refused{Code: invalidResponse, Fault: f, Err: fmt.Errorf("%s: "+format, append([]any{p.config.Issuer}, args...)...)}
}

const maxPrintable = 300

// printable are a provider's own, as a bounded text of one line.
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
	all := strings.Join(said, ": ")
	if all == "" {
		return "no reason given"
	}
	if runes := []rune(all); len(runes) > maxPrintable {
		return string(runes[:maxPrintable]) + "…"
	}
	return all
}

// redact are a provider's own words, without what this server sent it in confidence.
func (p *Provider) redact(secrets []string, parts ...string) string {
	for i := range parts {
		for _, secret := range append(secrets, p.config.ClientSecret) {
			if secret != "" {
				parts[i] = strings.ReplaceAll(parts[i], secret, "[secret]")
			}
		}
	}
	return printable(parts...)
}

// exchangeError says why a code was not redeemed: for a person's sake, for a fault of the
// deployment, or because the provider is away.
func (p *Provider) exchangeError(err error, secrets ...string) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil {
		return fmt.Errorf("%w: its token endpoint: %s", ErrUnavailable, p.redact(secrets, err.Error()))
	}
	said := p.redact(secrets, answer.ErrorCode, answer.ErrorDescription)
	if answer.ErrorCode == "" {
		said = p.redact(secrets, string(answer.Body))
	}
	return p.endpointError("its token endpoint", answer.Response.StatusCode, answer.ErrorCode, said)
}

// endpointError is the error for what an endpoint of the back channel answers to the client.
func (p *Provider) endpointError(endpoint string, status int, code, said string) error {
	switch {
	case status/100 != 4, status == http.StatusTooManyRequests, code == "" && noEndpoint[status]:
		return fmt.Errorf("%w: %s answers %d: %s", ErrUnavailable, endpoint, status, said)
	case code == "invalid_client" || code == "unauthorized_client" || status == http.StatusUnauthorized || status == http.StatusForbidden:
		return p.faultError(FaultClient, "%s refuses the client: %s", endpoint, said)
	case code == "invalid_grant":
		return refused("the code was refused: %s", said)
	}
	return p.faultError(FaultRequest, "%s refuses the request: %s", endpoint, said)
}

// noEndpoint are the answers of a server that has no such endpoint, any more.
var noEndpoint = map[int]bool{http.StatusNotFound: true, http.StatusMethodNotAllowed: true, http.StatusGone: true}

// deploymentErrors are the errors of an authorization response that no person causes (RFC 6749
// section 4.1.2.1, OpenID Connect Core section 3.1.2.6).
var deploymentErrors = map[string]bool{
	"invalid_request": true, "unauthorized_client": true, "invalid_client": true, "unsupported_response_type": true,
	"invalid_scope": true, "server_error": true, "temporarily_unavailable": true, "invalid_request_uri": true,
	"invalid_request_object": true, "request_not_supported": true, "request_uri_not_supported": true, "invalid_redirect_uri": true,
}

// errorCode is the form of an error's code (RFC 6749 section 4.1.2.1), of a length for
// addresses.
var errorCode = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E][\x20\x21\x23-\x5B\x5D-\x7E]{0,99}$`)

// authorizationError is the provider's own, in an authorization response.
func (p *Provider) authorizationError(code, description string) error {
	if !errorCode.MatchString(code) { // it stands in an address of the app's
		return refused("the provider refused with a malformed error %.100q", code)
	}
	r := &Refused{Code: code, Err: fmt.Errorf("the provider refused: %s", printable(description))}
	if deploymentErrors[code] {
		r.Fault, r.Err = FaultReported, fmt.Errorf("%s: by way of the browser: %s", p.config.Issuer, printable(description))
	}
	return r
}
