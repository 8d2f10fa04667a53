package revalidation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/provisioning"
	"github.com/tabard-auth/tabard/backend/session"
)

// revalidation asks one provider about a session's person.
type revalidation struct {
	*Service
	grant   *grant.Grant
	session session.Session // that mints; the token is its root's
	user    directory.User
	token   session.ProviderToken

	setting directory.Revalidation
	own     *directory.Connection // nil for the workspace's provider
}

// run asks the provider and applies the answer. The error is grant.ErrUnconfirmed if the
// session has to wait for an answer.
func (r *revalidation) run(ctx context.Context) error {
	provider, err := r.provider(ctx)
	if err != nil {
		return err
	}
	if provider == nil { // no longer asked
		return r.Store.ForgetProviderToken(ctx, r.token.Session, r.token.Connection)
	}
	if r.token.Sealed == "" { // lost, and the time without an answer is over
		return r.end(ctx)
	}
	identity, outcome, err := r.ask(ctx, provider)
	if err != nil || outcome == "" {
		return err
	}
	if outcome == session.RefusedByProvider {
		if err := r.record(ctx, r.token, outcome); err != nil {
			return err
		}
		return r.end(ctx)
	}
	after, held := r.after(identity, provider, outcome)
	if err := r.record(ctx, after, outcome); err != nil {
		return err
	}
	if outcome == session.Confirmed {
		return r.apply(ctx, provider, identity)
	}
	if !held {
		return nil
	}
	if r.token.Connection != r.session.SignIn.Connection { // another authentication serves the rest
		return r.end(ctx)
	}
	return grant.ErrUnconfirmed
}

// provider returns the provider of the token, or nil if it is no longer asked.
func (r *revalidation) provider(ctx context.Context) (*login.Provider, error) {
	if r.token.Connection == "" {
		if r.setting = r.grant.Workspace.SignIn.Revalidation; r.setting.Revalidate == 0 {
			return nil, nil
		}
		return r.Providers.Workspace(), nil
	}
	own, err := r.grant.Store.Connection(ctx, r.token.Connection)
	switch {
	case errors.Is(err, directory.ErrNoConnection), err == nil && (!own.Enabled || own.Revalidate == 0):
		return nil, nil
	case err != nil:
		return nil, err
	}
	r.own, r.setting = &own, own.Revalidation
	return r.Providers.ForConnection(own)
}

// ask presents the token. Without an outcome another mint has replaced it.
func (r *revalidation) ask(ctx context.Context, provider *login.Provider) (login.Identity, session.Revalidation, error) {
	token, err := r.tokens.open(r.token.Sealed, r.token.Connection, provider.Issuer())
	if err != nil { // of another issuer, or of a secret that is gone
		return login.Identity{}, session.TokenLost, nil
	}
	subject, err := r.subject(ctx)
	if err != nil {
		return login.Identity{}, "", err
	}
	if r.fails(r.token.Connection, r.grant.Now) {
		return login.Identity{}, session.Unreachable, nil
	}
	if used, err := r.Store.UseProviderToken(ctx, r.token); err != nil || !used {
		return login.Identity{}, "", err
	}
	limited, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	identity, err := provider.Refresh(limited, token, subject, r.grant.Now)
	if errors.Is(err, login.ErrNoAnswer) && limited.Err() == nil {
		r.token.Unanswered++
		identity, err = provider.Refresh(limited, token, subject, r.grant.Now)
	}
	return identity, r.outcome(ctx, identity, err), nil
}

// subject returns the person's subject at the provider.
func (r *revalidation) subject(ctx context.Context) (string, error) {
	if r.own == nil {
		return r.user.Subject, nil
	}
	return r.grant.Store.LinkedAs(ctx, r.own.ID, r.user.ID)
}

// outcome classifies an answer.
func (r *revalidation) outcome(ctx context.Context, i login.Identity, err error) session.Revalidation {
	unreachable := errors.Is(err, login.ErrUnavailable)
	r.answered(r.token.Connection, !unreachable, r.grant.Now)
	switch {
	case err == nil:
		return session.Confirmed
	case errors.Is(err, login.ErrGrantRefused) && r.token.Unanswered == 0:
		return session.RefusedByProvider
	}
	r.Log.LogAttrs(ctx, slog.LevelWarn, "a provider did not confirm a session", slog.String("session", r.session.ID.String()),
		slog.Int64("unanswered", r.token.Unanswered), slog.Any("cause", err))
	switch {
	case errors.Is(err, login.ErrGrantRefused):
		return session.TokenLost
	case errors.Is(err, login.ErrNoAnswer):
		r.token.Unanswered++
		return session.Unreachable
	case unreachable && i.RefreshToken == "":
		return session.Unreachable
	}
	return session.Faulty
}

// after returns the token's state after an answer other than a refusal, and whether the
// session has been without an answer for too long.
func (r *revalidation) after(i login.Identity, provider *login.Provider, outcome session.Revalidation) (after session.ProviderToken, held bool) {
	now := r.grant.Now
	after = r.token
	over := r.token.AnsweredAt + r.setting.GraceOrDefault()
	if i.RefreshToken != "" { // the provider took the token, whatever else it sent
		after.Sealed, after.Unanswered = r.tokens.Seal(i.RefreshToken, r.token.Connection, provider.Issuer()), 0
	}
	switch outcome {
	case session.Confirmed:
		after.AnsweredAt, after.DueAt = now, now+r.setting.Revalidate
		return after, false
	case session.TokenLost: // there is nothing to ask with
		after.Sealed, after.DueAt = "", max(over, now)
		return after, false
	}
	after.DueAt = now + min(retryPause, r.setting.Revalidate)
	return after, now >= over
}

// recordTries is how often the state after an answer is stored if the database fails. The
// provider may have replaced the token, and only this process knows the new one.
const recordTries = 4

func (r *revalidation) record(ctx context.Context, after session.ProviderToken, outcome session.Revalidation) (err error) {
	for try := range recordTries {
		if err = r.Store.RecordRevalidation(ctx, r.token, after, outcome); err == nil {
			return nil
		}
		select {
		case <-time.After(time.Second << try):
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// apply updates memberships and roles by what the provider says of the person now.
func (r *revalidation) apply(ctx context.Context, provider *login.Provider, i login.Identity) error {
	update := provisioning.Update{Store: r.Store, Workspace: r.grant.Workspace, Now: r.grant.Now, Audit: r.grant.Audit}
	if !update.Says(r.own, i) {
		return nil
	}
	if err := update.AddUserInfo(ctx, provider, r.own, &i); err != nil {
		r.Log.LogAttrs(ctx, slog.LevelWarn, "a provider's userinfo is unusable", slog.Any("cause", err))
		return nil
	}
	return update.Apply(ctx, r.own, i, r.user)
}

// end ends what rests on the provider: the session, if the person signed in there, or else
// what an organization's own connection opened.
func (r *revalidation) end(ctx context.Context) error {
	id, now := r.token.Session, r.grant.Now
	e := audit.Event{
		ID: "provider_refused:" + id.String(), Action: audit.SignOut, Reason: string(session.ReasonProviderRefused), Actor: audit.Server,
		Target: r.token.Connection, UserID: r.user.ID, OrganizationID: r.session.ConfinedTo, SessionID: id.String(),
	}
	if r.token.Connection == r.session.SignIn.Connection {
		if err := r.grant.Store.Revoke(ctx, id, session.ReasonProviderRefused, now); err != nil {
			return err
		}
		r.grant.Audit(e)
		return nil
	}
	if r.own != nil {
		e.OrganizationID = r.own.OrganizationID
	}
	if err := r.Store.EndConnected(ctx, id, r.token.Connection, e.OrganizationID, now); err != nil {
		return err
	}
	e.ID, e.Action, e.Reason = "", audit.LeaveOrganization, string(policy.ProviderRefused)
	r.grant.Audit(e)
	return nil
}
