package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// LogNames gives sessions the names that logs know them by: the same session the same
// name, from which its id cannot be told.
type LogNames struct {
	key []byte
}

// LogNames returns the names under the secret's first value.
func (s Secret) LogNames() LogNames { return LogNames{s.Derive(ForLogs)[0]} }

// Session returns the name of a session's id; "" has none.
func (n LogNames) Session(id string) string {
	if id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// sessionID matches a session's id wherever it stands in a text.
var sessionID = regexp.MustCompile(`ses_[a-z2-7]{26}`)

// Scrub returns a text with every session's id replaced by its name.
func (n LogNames) Scrub(text string) string {
	if !strings.Contains(text, "ses_") {
		return text
	}
	return sessionID.ReplaceAllStringFunc(text, n.Session)
}
