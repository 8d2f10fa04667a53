package directory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Workspace is the workspace's document: its small settings, which every replica reads
// as a whole and caches until the revision changes.
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
	// OnReuse selects which sessions end when a refresh token is used twice. Applied
	// without a value, a store keeps its current one, which is EndUser at first.
	OnReuse OnReuse `json:"on_reuse,omitempty"`
	// SignIn are the settings of sign-ins.
	SignIn SignIn `json:"sign_in,omitzero"`
	// ProofNonce requires a nonce from the server in every device proof (RFC 9449
	// section 8).
	ProofNonce bool `json:"proof_nonce,omitempty"`
	// MembershipClaim maps a claim of the identity token to memberships. Nil means that
	// the provider's claims give none.
	MembershipClaim *MembershipClaim `json:"membership_claim,omitempty"`
	// Pages are the texts of the sign-in's pages in languages besides English.
	Pages page.Texts `json:"pages,omitempty"`
}

// DefaultWorkspaceID is the id of a workspace that does not set one.
const DefaultWorkspaceID = "default"

// Named reports whether an id is the workspace's.
func (w *Workspace) Named(id string) bool { return id == cmp.Or(w.ID, DefaultWorkspaceID) }

// Admits reports whether people enter the app from another one without a sign-in.
func (a App) Admits(from string) bool {
	return from != a.ID && (a.EnteredFrom == nil || slices.Contains(a.EnteredFrom, from))
}

// OnReuse selects the sessions that end on a theft: the session itself, or all of the
// person's sessions that browsers hold. A session that an app's server holds ends
// alone, or with the session that it was entered from.
type OnReuse string

// The choices of OnReuse.
const (
	EndSession OnReuse = "session" // also the meaning of an old stored document without one
	EndUser    OnReuse = "user"
)

// App is a frontend of the workspace.
type App struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Origins are those of the app's pages, as browsers write them. One may be a pattern
	// (see OriginVariable) if another one stands for itself.
	Origins []string `json:"origins"`
	// Path is where the app begins at each of its origins; empty is /.
	Path     string `json:"path,omitempty"`
	Audience string `json:"audience"`
	// Claims repeats claims of the access token under further names
	// (alias → claim), for resource servers that expect those.
	Claims map[string]string `json:"claims,omitempty"`
	// StatedClaims are further claims of the access token, by name.
	StatedClaims map[string]StatedClaim `json:"stated_claims,omitempty"`
	// FurtherAudiences are other APIs that lent tokens may be for.
	FurtherAudiences []string `json:"further_audiences,omitempty"`
	// LentClaims are the claims of Claims and StatedClaims that lent tokens have too.
	LentClaims []string `json:"lent_claims,omitempty"`
	// DPoPBoundTokens binds access tokens to the device key of sessions that have
	// one (RFC 9449 section 5).
	DPoPBoundTokens bool `json:"dpop_bound_tokens,omitempty"`
	// EnteredFrom are the ids of the apps from which people enter without a sign-in.
	// Nil means every app of the workspace.
	EnteredFrom []string `json:"entered_from,omitzero"`
	// Accounts is how many people can be signed in to the app in one browser.
	Accounts Accounts `json:"accounts,omitempty"`
	// Disabled apps allow no sign-in and mint no tokens.
	Disabled bool `json:"disabled,omitempty"`
}

// MembershipClaim says which claim names the person's organizations, by slug: a list of
// slugs, or an object from slug to role or roles. Claim is a name or a path. Roles are
// given where the claim names none.
type MembershipClaim struct {
	Claim       string      `json:"claim"`
	ClaimSource ClaimSource `json:"claim_source,omitempty"`
	// ClaimSeparator is that of Provisioning.
	ClaimSeparator string   `json:"claim_separator,omitempty"`
	Roles          []string `json:"roles"`
}

// Lends reports whether an app lends tokens for a further audience. That of a disabled
// app is lent by none.
func (w *Workspace) Lends(a App, audience string) bool {
	disabled := func(other App) bool { return other.Disabled && other.Audience == audience }
	return slices.Contains(a.FurtherAudiences, audience) && !slices.ContainsFunc(w.Apps, disabled)
}

// AppByID returns the app with an id.
func (w *Workspace) AppByID(id string) (App, bool) {
	i := slices.IndexFunc(w.Apps, func(a App) bool { return !a.Disabled && a.ID == id })
	if i < 0 {
		return App{}, false
	}
	return w.Apps[i], true
}

// CheckRoles returns ErrNoRole, with the name, if one of the roles does not exist in
// the workspace.
func (w *Workspace) CheckRoles(roles []string) error {
	for _, role := range roles {
		if _, known := w.Roles[role]; !known {
			return fmt.Errorf("%w: %q", ErrNoRole, role)
		}
	}
	return nil
}

// Permissions returns the permissions of all the roles, sorted and without duplicates.
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
