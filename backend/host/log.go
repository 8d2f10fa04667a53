package host

import (
	"context"
	"log/slog"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Log returns a log handler that replaces the ids of sessions in every record: next
// gets the session's log name instead ([signingkey.LogNames]).
func Log(next slog.Handler, secret signingkey.Secret) slog.Handler {
	return scrubbing{next, secret.LogNames()}
}

// scrubbing is a log handler that replaces the ids of sessions.
type scrubbing struct {
	slog.Handler
	names signingkey.LogNames
}

// Handle implements slog.Handler.
func (s scrubbing) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, s.names.Scrub(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(s.scrub(a))
		return true
	})
	return s.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (s scrubbing) WithAttrs(attributes []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attributes))
	for i, a := range attributes {
		clean[i] = s.scrub(a)
	}
	return scrubbing{s.Handler.WithAttrs(clean), s.names}
}

// WithGroup implements slog.Handler.
func (s scrubbing) WithGroup(name string) slog.Handler {
	return scrubbing{s.Handler.WithGroup(name), s.names}
}

func (s scrubbing) scrub(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		if text := a.Value.String(); s.names.Scrub(text) != text {
			a.Value = slog.StringValue(s.names.Scrub(text))
		}
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok && err != nil {
			a.Value = slog.AnyValue(scrubbed{err, s.names})
		}
	}
	return a
}

// scrubbed is an error with the ids of sessions replaced in its text.
type scrubbed struct {
	error
	names signingkey.LogNames
}

func (s scrubbed) Error() string { return s.names.Scrub(s.error.Error()) }
func (s scrubbed) Unwrap() error { return s.error }
