package resource

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"

	"github.com/tabard-auth/tabard/backend/token"
)

// Outcome is the result of a request.
type Outcome string

// The outcomes.
const (
	Allowed Outcome = "allowed"
	Refused Outcome = "refused"
	// Alarm is a request with an authentic token of another organization than the
	// resource's, even if it was refused for another reason. It means an attack or a
	// faulty page.
	Alarm Outcome = "alarm"
)

// Record is one request's entry for monitoring. It contains no token.
type Record struct {
	Outcome Outcome
	Reason  token.Reason // why it was refused; "no_token" if it had no token, "invalid_link" by [ErrLink]
	// Session is a hash of the session's id, the same in all services. It and
	// TokenOrganization, an id, are empty if the token is not authentic.
	Session           string
	TokenOrganization string
	// Actor is the party that acts for the token's subject, if it is not just the
	// person ([token.Actor]). Staff reports whether a member of the operator's staff
	// does.
	Actor string
	Staff bool
	// ResourceOrganization is the id or slug in the path. It is empty if the rule has
	// none.
	ResourceOrganization string
	Method, Route        string // the route as it was registered
}

// The reasons of errors that are no [token.Error].
const (
	noToken token.Reason = "no_token"
	badLink token.Reason = "invalid_link"
)

// reasonOf returns why a request was refused.
func reasonOf(err error) token.Reason {
	switch {
	case errors.Is(err, ErrNoToken):
		return noToken
	case errors.Is(err, ErrLink):
		return badLink
	}
	return token.ReasonOf(err)
}

func (j *judgment) record(err error) {
	record := Record{
		Outcome: Allowed, ResourceOrganization: j.resource,
		Method: j.request.Method, Route: j.request.Pattern,
	}
	if err != nil {
		record.Outcome, record.Reason = Refused, reasonOf(err)
	}
	if j.claims != nil {
		record.Session, record.TokenOrganization = hash(j.claims.SessionID), j.claims.OrganizationID
		if record.Staff = j.claims.ByStaff(); j.claims.Actor != nil {
			record.Actor = j.claims.Actor.Subject
		}
		if record.Reason == token.WrongOrganization || j.resource != "" && !j.claims.Serves(j.resource) {
			record.Outcome = Alarm
		}
	}
	j.guard.config.Record(j.request.Context(), record)
}

// hash returns a name for a session that does not disclose its id.
func hash(session string) string {
	if session == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(session))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// LogTo returns a Config.Record that writes to a log: allowed requests at debug level,
// refused ones at info, alarms at error.
func LogTo(log *slog.Logger) func(context.Context, Record) {
	levels := map[Outcome]slog.Level{Allowed: slog.LevelDebug, Refused: slog.LevelInfo, Alarm: slog.LevelError}
	return func(ctx context.Context, r Record) {
		log.LogAttrs(ctx, levels[r.Outcome], "access token "+string(r.Outcome),
			slog.String("outcome", string(r.Outcome)), slog.String("reason", string(r.Reason)),
			slog.String("session", r.Session), slog.String("token_organization", r.TokenOrganization),
			slog.String("resource_organization", r.ResourceOrganization),
			slog.String("actor", r.Actor), slog.Bool("staff", r.Staff),
			slog.String("method", r.Method), slog.String("route", r.Route))
	}
}
