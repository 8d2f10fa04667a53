package resource

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"

	"github.com/tabard-auth/tabard/backend/token"
)

// Outcome is what became of a request.
type Outcome string

// The outcomes.
const (
	Allowed Outcome = "allowed"
	Refused Outcome = "refused"
	// Alarm is a request with an authentic token of another organization than the
	// resource's, whether it was refused for that or for something else: somebody
	// tries doors, or a page is wrong.
	Alarm Outcome = "alarm"
)

// Record is what monitoring learns of a request. No token is in it.
type Record struct {
	Outcome Outcome
	Reason  token.Reason // why it was refused; "no_token" without a token
	// Session is a hash of the session's id, the same in all services. It and
	// TokenOrganization, an id, are empty where the token is not authentic.
	Session           string
	TokenOrganization string
	// Actor is who acts for the token's subject, where it is not just the person
	// themself ([token.Actor]), and Staff tells that somebody of the operator's staff does.
	Actor string
	Staff bool
	// ResourceOrganization is as the path names it, by id or slug; empty where the
	// rule has none.
	ResourceOrganization string
	Method, Route        string // the route as it was registered
}

// noToken is the reason of a record without a token.
const noToken token.Reason = "no_token"

func (j *judgement) record(err error) {
	record := Record{
		Outcome: Allowed, ResourceOrganization: j.resource,
		Method: j.request.Method, Route: j.request.Pattern,
	}
	if err != nil {
		record.Outcome, record.Reason = Refused, token.ReasonOf(err)
	}
	if errors.Is(err, ErrNoToken) {
		record.Reason = noToken
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

// hash names a session without telling its id.
func hash(session string) string {
	if session == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(session))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// LogTo returns a Config.Record that writes to a log: what was allowed at the level of
// debugging, what was refused as information, an alarm as an error.
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
