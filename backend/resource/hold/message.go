package hold

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/strictjson"
	"github.com/tabard-auth/tabard/backend/token"
)

const (
	// Subprotocol is the WebSocket subprotocol. It is the only one: what a server selects is
	// in a header, where no token may stand.
	Subprotocol = "tabard"
	// closeNormal is the code of a connection that its handler ended (RFC 6455 section 7.4.1).
	closeNormal = 1000
	// closeRefused plus the HTTP status of a refusal is the code of one that was refused.
	closeRefused = 4000
	// maxReason is the most bytes of the reason in a close frame (RFC 6455 section 5.5).
	maxReason = 123
	// maxCredential is the most bytes of a message with a token.
	maxCredential = 16 << 10
)

var (
	errNoCredential = errors.New("hold: the first message is not the access token")
	errOther        = errors.New("hold: the token is of another session, organization, audience or key")
)

// prefix begins the messages of the protocol in both directions. All others are the
// application's.
var prefix = []byte(`{"tabard":`)

// credential is the message with a token, as a page sends it: first, and to renew it.
type credential struct {
	Token string `json:"token"`
	// Proof is that of a bound token's key, for a GET of the connection's address with the
	// scheme https or http.
	Proof string `json:"proof"`
}

// isCredential reports whether a message is meant to have a token. One that is written
// otherwise than clients do is read by none, and is not handed to the application, which
// may log it.
func isCredential(text bool, message []byte) bool {
	const blanks = " \t\r\n"
	inner, object := bytes.CutPrefix(bytes.TrimLeft(message, blanks), []byte("{"))
	return text && object && bytes.HasPrefix(bytes.TrimLeft(inner, blanks), []byte(`"tabard"`))
}

func readCredential(text bool, message []byte) (c credential, err error) {
	if !text || len(message) > maxCredential || !bytes.HasPrefix(message, prefix) {
		return c, errNoCredential
	}
	var envelope struct {
		Tabard credential `json:"tabard"`
	}
	if err := strictjson.DecodeKnown(message, &envelope); err != nil || envelope.Tabard.Token == "" {
		return c, errNoCredential
	}
	return envelope.Tabard, nil
}

// accepted is the answer to the first message.
type accepted struct {
	// Organization is the token's, with which the client compares its own.
	Organization string `json:"organization"`
	ExpiresIn    int64  `json:"expires_in"`
}

func (a accepted) message() []byte {
	text, err := json.Marshal(map[string]accepted{"tabard": a})
	if err != nil { // texts and numbers always encode
		panic(err)
	}
	return text
}

// closing returns the code and the reason of the close frame for an error. The reason
// begins with a stable code, and ends with the parameters of a challenge (RFC 9470).
func closing(err error) (code int, reason string) {
	var refused *token.Error
	switch {
	case err == nil:
		return closeNormal, ""
	case errors.Is(err, errNoCredential), errors.Is(err, resource.ErrNoToken):
		return closeRefused + http.StatusUnauthorized, "no_token"
	case errors.Is(err, errOther):
		return closeRefused + http.StatusForbidden, "renewal_mismatch"
	case !errors.As(err, &refused):
		return closeRefused + http.StatusServiceUnavailable, "temporarily_unavailable"
	}
	refusal := resource.RefusalOf(err)
	reason = refusal.Code
	switch refused.Reason {
	case token.InsufficientAuthentication:
		_, parameters, _ := strings.Cut(refusal.Challenge, strconv.Quote(reason)+", ")
		if challenge := reason + " " + parameters; len(challenge) <= maxReason {
			reason = challenge
		}
	case token.InsufficientScope, token.WrongOrganization:
	default:
		reason += " " + string(refused.Reason)
	}
	return closeRefused + refusal.Status, reason
}
