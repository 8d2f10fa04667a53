package directory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Workspace is the workspace's document: everything of it that is small, read
// whole and kept by every replica until its revision changes.
type Workspace struct {
	Revision int64 `json:"-"`
	// UnmarkedCookiesUntil is until when browsers also get their cookies under the names
	// that the release before gave them, in Unix seconds: it may still serve, or serve
	// again. 0 where it never did.
	UnmarkedCookiesUntil int64 `json:"-"`
	// ID names the workspace in requests of other servers; "" is DefaultWorkspaceID.
	ID     string              `json:"id,omitempty"`
	Apps   []App               `json:"apps"`
	Roles  map[string][]string `json:"roles"` // role → permissions
	Policy policy.Rules        `json:"policy"`
	// OnReuse says what ends when a refresh token is used twice. A store that is given
	// none keeps the one that it has, and begins with EndUser.
	OnReuse OnReuse `json:"on_reuse,omitempty"`
	// ProofNonce demands a nonce of the server's in every device proof (RFC 9449
	// section 8).
	ProofNonce bool `json:"proof_nonce,omitempty"`
	// MembershipClaim maps a claim of the identity token to memberships; nil
	// where the provider's claims say nothing about them.
	MembershipClaim *MembershipClaim `json:"membership_claim,omitempty"`
	// Pages are the texts of the sign-in's pages in languages besides English.
	Pages page.Texts `json:"pages,omitempty"`
}

// DefaultWorkspaceID is the id of a workspace that says none.
const DefaultWorkspaceID = "default"

// Named tells whether an id is the workspace's.
func (w *Workspace) Named(id string) bool { return id == cmp.Or(w.ID, DefaultWorkspaceID) }

// Admits tells whether people get into the app from another, without a sign-in.
func (a App) Admits(from string) bool {
	return from != a.ID && (a.EnteredFrom == nil || slices.Contains(a.EnteredFrom, from))
}

// OnReuse says what a theft ends: the session, or all of the person's that browsers
// hold. One that an app's server holds ends alone, and with the session that it was
// entered from.
type OnReuse string

// The choices of OnReuse.
const (
	EndSession OnReuse = "session" // also of a stored document without one, which is an old one
	EndUser    OnReuse = "user"
)

// App is a frontend of the workspace.
type App struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Origins []string `json:"origins"`
	// Path is where the app begins at each of its origins; empty is /.
	Path     string `json:"path,omitempty"`
	Audience string `json:"audience"`
	// Claims repeats claims of the access token under further names
	// (alias → claim), for resource servers that expect those.
	Claims map[string]string `json:"claims,omitempty"`
	// DPoPBoundTokens binds access tokens to the device key of sessions that have
	// one (RFC 9449 section 5).
	DPoPBoundTokens bool `json:"dpop_bound_tokens,omitempty"`
	// EnteredFrom are the ids of the apps from which people get in without a sign-in; nil
	// means every app of the workspace.
	EnteredFrom []string `json:"entered_from,omitzero"`
	// Disabled apps sign nobody in and mint nothing.
	Disabled bool `json:"disabled,omitempty"`
}

// MembershipClaim says which claim names the person's organisations, by slug: a list of
// slugs, or an object from slug to role or roles. Claim is a name or a path. Roles are
// given where the claim names none.
type MembershipClaim struct {
	Claim       string      `json:"claim"`
	ClaimSource ClaimSource `json:"claim_source,omitempty"`
	Roles       []string    `json:"roles"`
}

// AppByID returns the app of that id.
func (w *Workspace) AppByID(id string) (App, bool) {
	return w.app(func(a App) bool { return a.ID == id })
}

// AppByOrigin returns the app that owns an origin, compared exactly.
func (w *Workspace) AppByOrigin(origin string) (App, bool) {
	return w.app(func(a App) bool { return origin != "" && slices.Contains(a.Origins, origin) })
}

func (w *Workspace) app(is func(App) bool) (App, bool) {
	for _, a := range w.Apps {
		if !a.Disabled && is(a) {
			return a, true
		}
	}
	return App{}, false
}

// CheckRoles returns ErrNoRole, and which it is, unless all of these are roles here.
func (w *Workspace) CheckRoles(roles []string) error {
	for _, role := range roles {
		if _, known := w.Roles[role]; !known {
			return fmt.Errorf("%w: %q", ErrNoRole, role)
		}
	}
	return nil
}

// Permissions returns what roles permit together, sorted, each once.
func (w *Workspace) Permissions(roles []string) []string {
	all := []string{}
	for _, role := range roles {
		all = append(all, w.Roles[role]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// RoleNames returns the workspace's roles, sorted.
func (w *Workspace) RoleNames() []string {
	return slices.Sorted(maps.Keys(w.Roles))
}
