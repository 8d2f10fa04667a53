package authn

import (
	"log/slog"
	"net/http"

	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// recorder logs one record for each request. A record contains no token, cookie, code
// or query. It identifies a session by a keyed hash.
type recorder struct {
	log   *slog.Logger
	names signingkey.LogNames
}

// record is the part of a log record that the handler provides.
type record struct {
	Status       int
	Session      string
	User         string
	Organization string
	Refusal      *refusal.Refusal
}

func newRecorder(log *slog.Logger, secret signingkey.Secret) recorder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return recorder{log: log, names: secret.LogNames()}
}

func (l recorder) write(c *Request) {
	attributes := append(make([]slog.Attr, 0, 9),
		slog.String("method", c.R.Method), slog.String("path", c.R.URL.Path), slog.Int("status", c.Record.Status))
	for _, a := range [...]slog.Attr{
		slog.String("app", c.App.ID), slog.String("user", c.Record.User), slog.String("organization", c.Record.Organization),
		slog.String("session", l.names.Session(c.Record.Session)),
	} {
		if a.Value.String() != "" {
			attributes = append(attributes, a)
		}
	}
	level := slog.LevelInfo
	if r := c.Record.Refusal; r != nil {
		attributes = append(attributes, slog.String("code", string(r.Code)))
		if r.Cause != nil {
			attributes = append(attributes, slog.Any("cause", r.Cause))
		}
		if r.Fault != "" {
			attributes = append(attributes, slog.String("fault", r.Fault))
		}
		if r.Fault != "" || r.HTTPStatus() >= http.StatusInternalServerError && !r.NoFault {
			level = slog.LevelError
		}
	}
	l.log.LogAttrs(c.Ctx, level, "request", attributes...)
}

// Warn logs a warning about the deployment.
func (c *Request) Warn(text string, attributes ...slog.Attr) {
	c.log.log.LogAttrs(c.Ctx, slog.LevelWarn, text, attributes...)
}
