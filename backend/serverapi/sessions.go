package serverapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// SessionsPath is where the API of sessions across apps lies below the backend's base
// URL.
const SessionsPath = "/v1"

// SessionRoutes are all requests of that API that take a key.
var SessionRoutes = routes{
	{"POST", "/workspaces/{workspace_id}/sessions", makes(reading((*call).enterApp))},
	{"POST", "/workspaces/{workspace_id}/sessions/refresh", reading((*call).renewInApp)},
}

// SessionsConfig is what NewSessions needs besides Config. All of it is required.
type SessionsConfig struct {
	Config
	Store  CrossAppStore
	Keys   *signingkey.Ring
	Secret signingkey.Secret
}

// CrossAppStore is what sessions across apps need a store for.
type CrossAppStore interface {
	grant.Store
	audit.Store
}

// crossApp is what sessions across apps need to be made.
type crossApp struct {
	issuer    string
	publicURL string
	store     CrossAppStore
	keys      *signingkey.Ring
	refresh   *session.Ring
	codes     signingkey.Sealer
	csrf      []byte
	replays   *dpop.Replays
}

// NewSessions returns the handler of sessions across apps, mounted at the public URL's
// path and SessionsPath.
//
// A server of one app asks for a person's session in another. It shows its workspace
// API key, and the person's access token: ours, for its own app, of a session and an
// organisation session that live. What comes of it is no copy of a right but a session
// of its own (grant.Child), for which policy is asked as for every other. Its refresh
// token is for the other app's server alone: that renews it here, with a key too, and
// no browser's cookie is one, nor the reverse.
func NewSessions(c SessionsConfig) (http.Handler, error) {
	s, err := newServer(c.Config, SessionsPath)
	if err != nil {
		return nil, err
	}
	refresh, err := session.NewRing(c.Secret.Derive(signingkey.ForRefreshTokens)...)
	if err != nil {
		return nil, err
	}
	s.named, s.kind, s.document = SessionRoutes, admin.WorkspaceAPI, SessionsDocument
	s.crossapp = &crossApp{
		issuer: issuerOf(c.PublicURL), publicURL: c.PublicURL, store: c.Store, keys: c.Keys, refresh: refresh,
		codes: c.Secret.Sealer(signingkey.ForHandovers), csrf: c.Secret.Derive(signingkey.ForCSRF)[0],
		replays: dpop.NewReplays(proofLife+proofSkew+1, maxProofs),
	}
	return s.routes(), nil
}

// denied refuses with 403 and what was missing.
func denied[Reason ~string](reason Reason, text string) error {
	r := refusal.New(api.WorkspaceAccessDenied, text)
	r.Reason = string(reason)
	return r
}

// workspace returns the workspace, which the path has to name.
func (c *call) workspace() (*directory.Workspace, error) {
	w, err := c.crossapp.store.Workspace(c.ctx)
	if err == nil && !w.Named(c.r.PathValue("workspace_id")) {
		err = denied("wrong_workspace", "This key is of another workspace.")
	}
	return w, err
}

// grant is what the call may grant in an app.
func (c *call) grant(w *directory.Workspace, app directory.App) *grant.Grant {
	x := c.crossapp
	return &grant.Grant{
		Issuer: x.issuer, Store: x.store, Keys: x.keys, Workspace: w, App: app, Now: c.now().Unix(),
		Audit: func(e audit.Event) error {
			err := c.audit(app.ID, e)
			if err != nil {
				c.log.Error("an audit event was not recorded", "action", string(e.Action), "user", e.UserID, "cause", err)
			}
			return err
		},
	}
}

// trailTimeout bounds the writing of the trail, for which nobody may wait any more.
const trailTimeout = 5 * time.Second

// audit records what the call did, by its key where nobody else is named.
func (c *call) audit(app string, e audit.Event) error {
	e.ID, e.At, e.App, e.Address = orNewID(e.ID), c.now().Unix(), app, c.r.RemoteAddr
	if e.Actor == "" {
		e.Actor, e.ActorName = c.by.ID, c.by.Name
	}
	if e.Outcome == "" {
		e.Outcome = audit.Done
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), trailTimeout)
	defer cancel()
	return c.crossapp.store.RecordEvent(ctx, e)
}

func orNewID(id string) string {
	if id == "" {
		return directory.NewID("evt_")
	}
	return id
}

// recorded hands a refusal on, once it is in the trail.
func (c *call) recorded(app string, e audit.Event, refused error) error {
	if !refusal.Is(refused) {
		return refused
	}
	r := refusal.Of(refused)
	e.Outcome, e.Reason = audit.Refused, cmp.Or(r.Reason, string(r.Code))
	if err := c.audit(app, e); err != nil {
		return err
	}
	return refused
}
