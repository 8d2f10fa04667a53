package signingkey

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// LogNames returns the names of sessions for logs. A session always has the same name,
// and its id cannot be derived from it.
type LogNames struct {
	key []byte
}

// LogNames returns the names under the secret's first value.
func (s Secret) LogNames() LogNames { return LogNames{s.Derive(ForLogs)[0]} }

// Session returns the log name of a session's id, and "" for "".
func (n LogNames) Session(id string) string {
	if id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// sessionID matches a session's id anywhere in a text.
var sessionID = regexp.MustCompile(`ses_[a-z2-7]{26}`)

// In reports whether a text may contain a session's id.
func (n LogNames) In(text string) bool { return strings.Contains(text, "ses_") }

// Scrub returns a text with every session's id replaced by its log name.
func (n LogNames) Scrub(text string) string {
	if !n.In(text) {
		return text
	}
	return sessionID.ReplaceAllStringFunc(text, n.Session)
}
