package host

import (
	"context"
	"log/slog"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Log returns a log handler that replaces the ids of sessions in every record: next
// gets the session's log name instead ([signingkey.LogNames]).
func Log(next slog.Handler, secret signingkey.Secret) slog.Handler {
	return scrubHandler{next, secret.LogNames()}
}

// scrubHandler is a log handler that replaces the ids of sessions.
type scrubHandler struct {
	slog.Handler
	names signingkey.LogNames
}

// Handle implements slog.Handler.
func (s scrubHandler) Handle(ctx context.Context, r slog.Record) error {
	if !s.names.In(r.Message) && !s.anyIn(r) {
		return s.Handler.Handle(ctx, r)
	}
	clean := slog.NewRecord(r.Time, r.Level, s.names.Scrub(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(s.scrub(a))
		return true
	})
	return s.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (s scrubHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attributes))
	for i, a := range attributes {
		clean[i] = s.scrub(a)
	}
	return scrubHandler{s.Handler.WithAttrs(clean), s.names}
}

// WithGroup implements slog.Handler.
func (s scrubHandler) WithGroup(name string) slog.Handler {
	return scrubHandler{s.Handler.WithGroup(name), s.names}
}

// anyIn reports whether an attribute may contain the id of a session.
func (s scrubHandler) anyIn(r slog.Record) (may bool) {
	r.Attrs(func(a slog.Attr) bool {
		kind := a.Value.Kind()
		may = kind == slog.KindAny || kind == slog.KindString && s.names.In(a.Value.String())
		return !may
	})
	return may
}

func (s scrubHandler) scrub(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(s.names.Scrub(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok && err != nil {
			a.Value = slog.AnyValue(scrubbedError{err, s.names})
		}
	}
	return a
}

// scrubbedError is an error with the ids of sessions replaced in its text.
type scrubbedError struct {
	error
	names signingkey.LogNames
}

func (s scrubbedError) Error() string { return s.names.Scrub(s.error.Error()) }
func (s scrubbedError) Unwrap() error { return s.error }
