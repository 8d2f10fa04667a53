package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/tabard-auth/tabard/backend/keys"
)

// recorder writes one record a request. No token, cookie, code or address query
// is in it; sessions are named by a keyed hash.
type recorder struct {
	log   *slog.Logger
	names keys.LogNames
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
	return recorder{log: log, names: secret.LogNames()}
}

func (l recorder) write(c *call) {
	attributes := append(make([]slog.Attr, 0, 9),
		slog.String("method", c.r.Method), slog.String("path", c.r.URL.Path), slog.Int("status", c.record.status))
	for _, a := range [...]slog.Attr{
		slog.String("app", c.app.ID), slog.String("user", c.record.user), slog.String("organization", c.record.organization),
		slog.String("session", l.names.Session(c.record.session)),
	} {
		if a.Value.String() != "" {
			attributes = append(attributes, a)
		}
	}
	level := slog.LevelInfo
	if r := c.record.refusal; r != nil {
		attributes = append(attributes, slog.String("code", string(r.Code)))
		if r.cause != nil {
			attributes = append(attributes, slog.Any("cause", r.cause))
		}
		if r.httpStatus() >= http.StatusInternalServerError && !r.calm {
			level = slog.LevelError
		}
	}
	l.log.LogAttrs(c.ctx, level, "request", attributes...)
}
