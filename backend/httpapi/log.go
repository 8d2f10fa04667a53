package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"

	"github.com/tabard-auth/tabard/backend/keys"
)

// recorder writes one record a request. No token, cookie, code or address query
// is in it; sessions are named by a keyed hash.
type recorder struct {
	log *slog.Logger
	key []byte
}

// record is what a handler adds to the record of its request.
type record struct {
	status       int
	session      string
	user         string
	organization string
	refusal      *refusal
}

func newRecorder(log *slog.Logger, secret keys.Secret) recorder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return recorder{log: log, key: secret.Derive(keys.ForLogs)[0]}
}

func (l recorder) write(c *call) {
	attributes := []any{"method", c.r.Method, "path", c.r.URL.Path, "status", c.record.status}
	for _, a := range [][2]string{
		{"app", c.app.ID}, {"user", c.record.user}, {"organization", c.record.organization},
		{"session", l.hash(c.record.session)},
	} {
		if a[1] != "" {
			attributes = append(attributes, a[0], a[1])
		}
	}
	level := slog.LevelInfo
	if r := c.record.refusal; r != nil {
		attributes = append(attributes, "code", string(r.Code))
		if r.cause != nil {
			attributes = append(attributes, "cause", r.cause.Error())
		}
		if r.httpStatus() >= http.StatusInternalServerError {
			level = slog.LevelError
		}
	}
	l.log.Log(c.ctx, level, "request", attributes...)
}

// hash names a session in the log: the same session by the same name, from which
// it cannot be told which it is.
func (l recorder) hash(id string) string {
	if id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
