package metrics

import (
	"context"
	"log/slog"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// The causes of failed requests.
const (
	faultProvider = "provider"
	faultPanic    = "panic"
	faultClient   = "client"
	faultStorage  = "storage"
)

// Log returns a log handler that reads the outcome of requests from their records and
// passes on the records that next accepts.
func (m *Metrics) Log(next slog.Handler) slog.Handler { return observer{next, m} }

// observer is a log handler that counts.
type observer struct {
	slog.Handler
	metrics *Metrics
}

// Enabled implements slog.Handler. The record of a request is always needed, even if
// next only accepts errors.
func (o observer) Enabled(ctx context.Context, level slog.Level) bool {
	return o.Handler.Enabled(ctx, level) || level >= slog.LevelInfo && ctx.Value(requestKey{}) != nil
}

// Handle implements slog.Handler.
func (o observer) Handle(ctx context.Context, r slog.Record) error {
	var code, providers string
	var status int64
	var cause error
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "code":
			code = a.Value.String()
		case "status":
			if a.Value.Kind() == slog.KindInt64 {
				status = a.Value.Int64()
			}
		case "fault":
			providers = a.Value.String()
		case "cause":
			cause, _ = a.Value.Any().(error)
		}
		return true
	})
	if e, ok := ctx.Value(requestKey{}).(*exchange); ok && code != "" {
		e.code = code
	}
	if providers != "" {
		o.metrics.providers.WithLabelValues(providers).Inc()
	}
	switch {
	case status == refusal.StatusClientLeft:
		o.metrics.faults.WithLabelValues(faultClient).Inc()
	case cause != nil && r.Level >= slog.LevelError:
		o.metrics.faults.WithLabelValues(fault(code, cause)).Inc()
	}
	if !o.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return o.Handler.Handle(ctx, r)
}

func fault(code string, cause error) string {
	switch {
	case code == string(api.ServerError):
		return faultPanic
	case login.FaultOf(cause) != "":
		return faultProvider
	}
	return faultStorage
}

// WithAttrs implements slog.Handler.
func (o observer) WithAttrs(attributes []slog.Attr) slog.Handler {
	return observer{o.Handler.WithAttrs(attributes), o.metrics}
}

// WithGroup implements slog.Handler.
func (o observer) WithGroup(name string) slog.Handler {
	return observer{o.Handler.WithGroup(name), o.metrics}
}
