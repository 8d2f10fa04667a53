package browserapi

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// logout is POST /logout. Any authentic refresh token of the session is accepted,
// whatever its age, with a proof of the device key if the session has one. Signing out
// of a session that has ended is not an error.
func (h *handler) logout(c *authn.Request, request api.LogoutRequest) (*api.LogoutResponse, error) {
	switch request.Scope {
	case api.ScopeOrganization, api.ScopeSession, api.ScopeBrowser, api.ScopeEverywhere:
	default:
		return nil, refusal.New(api.InvalidRequest, "The scope must be organization, session, browser or everywhere.")
	}
	if (request.Scope == api.ScopeOrganization) != (request.Organization != "") {
		return nil, refusal.New(api.InvalidRequest, "The scope organization requires an organization; the other scopes allow none.")
	}
	ref := request.Organization
	if request.Scope == api.ScopeOrganization {
		var err error
		if ref, err = c.Within(ref); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(c.For(request.User), c.ProveAlso(request.Proofs)); err != nil {
		return nil, err
	}
	var whole func() (session.Session, error) // includes the provider's token
	if request.Scope != api.ScopeOrganization {
		c.Beside = func(id session.ID) {
			whole = authn.Begin(c, func() (session.Session, error) { return c.Store.Session(c.Ctx, id) })
		}
	}
	_, subject, err := c.Authenticate(ref)
	if authn.NoSession(err) {
		return signedOut(c, request.Scope, err)
	}
	if err != nil {
		return nil, err
	}
	if !subject.Is(request.User) {
		return nil, identityChanged()
	}
	if request.Scope == api.ScopeOrganization {
		return leave(c, subject)
	}
	s, err := whole()
	if err == nil && s.ID != subject.Session.SignInID() {
		s, err = c.Store.Session(c.Ctx, subject.Session.SignInID())
	}
	if err != nil {
		return nil, err
	}
	return h.endSession(c, request, subject, s)
}

// signedOut answers a page whose person has no session here. A page that signs everybody
// out hears that it did not, if other people are signed in: it proves no key of theirs.
func signedOut(c *authn.Request, scope string, refused error) (*api.LogoutResponse, error) {
	if scope == api.ScopeBrowser {
		if all, err := c.HeldSessions(); err != nil || len(all) > 0 {
			return nil, cmp.Or(err, refused)
		}
	}
	return &api.LogoutResponse{ServerTime: c.Now}, nil
}

// endSession ends s, the session by which the subject signed in, or what else its scope names.
func (h *handler) endSession(c *authn.Request, request api.LogoutRequest, subject directory.Subject, s session.Session) (*api.LogoutResponse, error) {
	shared, err := c.SharesProvider(s)
	if err != nil {
		return nil, err
	}
	out := &api.LogoutResponse{ServerTime: c.Now}
	if err := h.end(c, request.Scope, subject, s, out); err != nil { // the session goes on, and so does its cookie
		return nil, err
	}
	c.ClearSession(subject.Session)
	if !shared || request.Scope == api.ScopeBrowser { // otherwise the provider's session may be the other person's
		out.EndSessionURL = h.endSessionURL(c, s, request.ReturnTo)
	}
	return out, nil
}

// end ends what a sign-out of a scope ends.
func (h *handler) end(c *authn.Request, scope string, subject directory.Subject, s session.Session, out *api.LogoutResponse) error {
	signedOut := audit.Event{Action: audit.SignOut, Reason: scope, UserID: s.UserID, SessionID: s.ID.String()}
	switch scope {
	case api.ScopeSession, api.ScopeBrowser:
		users, err := c.EndBeside(s, scope)
		if err != nil {
			return err
		}
		if scope == api.ScopeBrowser {
			out.Users = users
		}
		return endHere(c, s, signedOut)
	}
	if err := requireRecent(c, subject); err != nil {
		return err
	}
	return endEverywhere(c, s, signedOut)
}

// endEverywhere ends the sessions of a session's user. A page that acts for one organization
// alone ends those in this browser, and those that pages of its origin use in others.
func endEverywhere(c *authn.Request, s session.Session, signedOut audit.Event) error {
	if c.Only != "" {
		if err := c.Store.RevokeAtOrigin(c.Ctx, s.UserID, c.TenantOrigin, session.ReasonSignedOut, c.Now); err != nil {
			return err
		}
		return endHere(c, s, signedOut)
	}
	if err := c.Store.RevokeUser(c.Ctx, s.UserID, s.ConfinedTo, session.ReasonSignedOut, c.Now); err != nil {
		return err
	}
	c.Audit(signedOut)
	return nil
}

// endHere ends the user's sessions of the app in this browser: the first one, with those
// that joined it, and those that coexist with it.
func endHere(c *authn.Request, s session.Session, signedOut audit.Event) error {
	if err := errors.Join(c.EndCoexisting(s), c.EndSiblings(s)); err != nil {
		return err
	}
	return c.Revoke(s.ID, session.ReasonSignedOut, signedOut)
}

// leave ends the organization session, and those that further sign-ins of the person in this
// browser have for the organization, or would begin.
func leave(c *authn.Request, subject directory.Subject) (*api.LogoutResponse, error) {
	if subject.Membership == nil {
		return nil, refusal.New(api.OrganizationAccessDenied, noAccess)
	}
	c.Record.Organization = subject.Membership.Organization.ID
	all, err := c.Further(subject.Session)
	for _, s := range append(all, subject.Session) {
		if err == nil {
			err = c.OrganizationSessions().Leave(c.Ctx, &s, subject.Membership.Organization.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	return &api.LogoutResponse{ServerTime: c.Now}, nil
}

// endSessionURL returns the address that ends the provider's own session and then
// returns to the app.
func (h *handler) endSessionURL(c *authn.Request, s session.Session, returnTo string) string {
	if s.Parent != (session.ID{}) { // it did not begin at a provider
		return ""
	}
	token, err := h.signIn.Upstream.Open(s.UpstreamToken, s.ID.String())
	if err != nil {
		token = nil // the provider then asks for confirmation
	}
	if provider := h.signIn.SessionProvider(c, s); provider != nil {
		return provider.EndSessionURL(c.Ctx, string(token), postLogoutURL(c, returnTo))
	}
	return ""
}

// maxPostLogoutURL is the largest length of the return address, in bytes after query
// escaping. It is part of the provider's address, which must stay short.
const maxPostLogoutURL = 1000

// postLogoutURL returns the address to return to after a sign-out: returnTo, or the
// app's start page at the page's own origin if returnTo is not valid. An invalid
// address does not prevent the sign-out.
func postLogoutURL(c *authn.Request, returnTo string) string {
	origin, sent := authn.SingleHeader(c.R.Header, "Origin")
	if !sent { // according to the browser, it is the backend's own
		origin = c.Origin
	}
	if strings.HasPrefix(returnTo, "/") && !strings.HasPrefix(returnTo, "//") {
		returnTo = origin + returnTo
	}
	address, ok := publicurl.ReturnAddress(c.Issuer, c.App, returnTo)
	if returnTo == "" || !ok || len(url.QueryEscape(address)) > maxPostLogoutURL {
		return publicurl.Start(c.App, origin)
	}
	return address
}
