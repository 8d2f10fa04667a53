package trace

import (
	"context"
	"log/slog"
	"time"
)

// Log returns a log handler that adds to records during a request its id, its trace, the
// client's address and how long the request has taken.
func Log(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (l logHandler) Handle(ctx context.Context, r slog.Record) error {
	if e := of(ctx); e != nil {
		r.AddAttrs(
			slog.String("client", e.client), slog.Float64("duration_ms", milliseconds(time.Since(e.begun))),
			slog.String("request_id", e.id), slog.String("trace_id", e.parent.trace),
		)
	}
	return l.Handler.Handle(ctx, r)
}

// milliseconds has microseconds as its fraction.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// WithAttrs implements slog.Handler.
func (l logHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return logHandler{l.Handler.WithAttrs(attributes)}
}

// WithGroup implements slog.Handler.
func (l logHandler) WithGroup(name string) slog.Handler { return logHandler{l.Handler.WithGroup(name)} }
