// Package crossapp opens sessions across the workspace's apps, below /v1: with its API
// key and a person's token, an app's server opens a session in another app, or gets a
// code for the browser.
package crossapp

import (
	"cmp"
	"context"
	_ "embed"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/serverapi"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Path is the path of the API below the backend's base URL.
const Path = "/v1"

// Document describes the API (OpenAPI 3.1).
//
//go:embed openapi.json
var Document []byte

// Routes are the API's routes that take a key.
var Routes = []serverapi.Route[*service]{
	serverapi.NewRoute("POST", "/workspaces/{workspace_id}/sessions", withBody((*call).enterApp)),
	serverapi.NewRoute("POST", "/workspaces/{workspace_id}/sessions/refresh", withBody((*call).renewInApp)),
}

// call is a request being handled.
type call struct {
	*serverapi.Call
	service *service
}

func withBody[In, T any](run func(*call, In) (T, error)) serverapi.Action[*service] {
	return serverapi.WithBody(func(x *service, c *serverapi.Call, body In) (T, error) { return run(&call{c, x}, body) })
}

// Config configures New. All fields but Proofs and Log are required.
type Config struct {
	serverapi.Config
	Store  Store
	Keys   *signingkey.KeyRing
	Secret signingkey.Secret
	// Revalidator is the field of [grant.Grant].
	Revalidator grant.Revalidator
	// Proofs remembers used proofs. Nil means a new one (see [NewProofs]).
	Proofs *dpop.Replays
}

// Store stores what sessions across apps need.
type Store interface {
	grant.Store
	audit.Store
}

// service holds the dependencies of the API.
type service struct {
	issuer  string
	path    string // the public URL's
	store   Store
	keys    *signingkey.KeyRing
	refresh *session.MACKeys
	codes   signingkey.Sealer
	csrf    []byte
	replays *dpop.Replays

	revalidator grant.Revalidator
}

// New returns the handler of sessions across apps, mounted at the public URL's path and
// Path.
//
// The server of one app requests a session for a person in another app. It sends its
// workspace API key and the person's access token, which must be issued by this backend
// for the server's app, with a live session and organization session. The result is a
// child session (grant.Child), subject to policy like any other. Its refresh token is
// for the other app's server only, which renews the session here with a key. It is
// useless as a browser's cookie, and a cookie is useless here.
func New(c Config) (http.Handler, error) {
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, err
	}
	refresh, err := session.NewMACKeys(c.Secret.Derive(signingkey.ForRefreshTokens)...)
	if err != nil {
		return nil, err
	}
	x := &service{
		issuer: issuerOf(c.PublicURL), path: strings.TrimSuffix(public.Path, "/"),
		store: c.Store, keys: c.Keys, refresh: refresh,
		codes: c.Secret.Sealer(signingkey.ForHandovers), csrf: c.Secret.Derive(signingkey.ForCSRF)[0],
		replays: cmp.Or(c.Proofs, NewProofs()), revalidator: c.Revalidator,
	}
	return serverapi.Handler(c.Config, serverapi.API[*service]{
		Path: Path, Kind: admin.WorkspaceAPI, Routes: Routes, Target: x, Document: Document,
	})
}

// NewProofs returns a memory of used proofs, to be shared by handlers that replace each
// other.
func NewProofs() *dpop.Replays { return dpop.NewReplays(proofLife+proofSkew+1, maxProofs) }

// deny returns a 403 with the missing condition as its reason.
func deny[Reason ~string](reason Reason, text string) error {
	r := refusal.New(api.WorkspaceAccessDenied, text)
	r.Reason = string(reason)
	return r
}

// workspace returns the workspace, if the path names it.
func (c *call) workspace() (*directory.Workspace, error) {
	w, err := c.service.store.Workspace(c.Context())
	if err == nil && !w.Named(c.R.PathValue("workspace_id")) {
		err = deny("wrong_workspace", "This key belongs to another workspace.")
	}
	return w, err
}

// grant returns the means to mint tokens for an app.
func (c *call) grant(w *directory.Workspace, app directory.App) *grant.Grant {
	x := c.service
	return &grant.Grant{
		Issuer: x.issuer, Store: x.store, Keys: x.keys, Workspace: w, App: app, Now: c.Now().Unix(), Revalidator: x.revalidator,
		Trail: trail{c, app.ID},
	}
}

// trail records the events of a request that are in an app.
type trail struct {
	call *call
	app  string
}

func (t trail) Audit(e audit.Event) error {
	err := t.call.audit(t.app, e)
	if err != nil {
		t.call.Log.Error("an audit event was not recorded", "action", string(e.Action), "user", e.UserID, "cause", err)
	}
	return err
}

func (t trail) Complete(e audit.Event) audit.Event { return t.call.complete(t.app, e) }

// auditTimeout limits the writing of an audit event after the client has left.
const auditTimeout = 5 * time.Second

// audit records an event.
func (c *call) audit(app string, e audit.Event) error {
	e = c.complete(app, e)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), auditTimeout)
	defer cancel()
	return c.service.store.RecordEvent(ctx, e)
}

// complete adds what an event has from its request. Without another actor it is by the
// request's key.
func (c *call) complete(app string, e audit.Event) audit.Event {
	e.ID, e.At, e.App, e.Address = ensureEventID(e.ID), c.Now().Unix(), app, c.R.RemoteAddr
	if e.Actor == "" {
		e.Actor, e.ActorName = c.Actor.ID, c.Actor.Name
	}
	e.Outcome = cmp.Or(e.Outcome, audit.Done)
	return e
}

func ensureEventID(id string) string {
	if id == "" {
		return directory.NewID("evt_")
	}
	return id
}

// recordRefusal records a refusal in the audit log and returns it.
func (c *call) recordRefusal(app string, e audit.Event, refused error) error {
	if !refusal.Is(refused) {
		return refused
	}
	r := refusal.From(refused)
	e.Outcome, e.Reason = audit.Refused, cmp.Or(r.Reason, string(r.Code))
	if err := c.audit(app, e); err != nil {
		return err
	}
	return refused
}
