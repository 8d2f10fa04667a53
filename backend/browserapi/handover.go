package browserapi

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/web"
)

// handOver is POST /handover: a page starts to bring the user into another app (see
// package handover). It needs no session and reveals nothing about one.
func (h *handler) handOver(c *authn.Request, _ api.HandoverRequest) (*api.HandoverResponse, error) {
	answer := &api.HandoverResponse{ExpiresIn: handover.BeginLife, ServerTime: c.Now}
	if c.SetsUnmarked() {
		answer.CodeChallenge = h.beginByCookie(c)
		return answer, nil
	}
	browser, known := c.Browser()
	if !known {
		browser = login.NewBrowser(c.Now)
		c.SetBrowser(browser)
	}
	answer.CodeChallenge = h.browsers.Begin(browser[:], c.Now)
	return answer, nil
}

// redeemHandover is POST /handover/code: the browser that started the hand-over brings
// its code and is redirected to the other app with a session there.
func (h *handler) redeemHandover(c *authn.Request) error {
	code, err := h.handoverCode(c)
	var address string
	if err == nil {
		address, err = enterApp(c, code)
	}
	if refusal.Is(err) && code.ID != "" {
		c.Audit(audit.Event{
			Action: audit.EnterApp, Outcome: audit.Refused, Reason: string(authn.RefusalOf(err).Code), Actor: code.KeyID,
			OrganizationID: code.Organization, SessionID: code.Parent,
		})
	}
	if err != nil {
		return err
	}
	c.Redirect(address)
	return nil
}

// enterApp creates the session in the app that the code opens, and returns the address
// there.
func enterApp(c *authn.Request, code handover.Code) (string, error) {
	address, err := targetApp(c, code)
	if err != nil {
		return "", err
	}
	parent, err := parentSubject(c, code)
	if err == nil {
		err = createChild(c, &parent, code)
	}
	if c.App.Accounts == directory.SeveralAccounts { // the page there may know somebody else
		address = publicurl.WithParameter(address, api.ParamSignedIn, parent.User.ID)
	}
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, orgsession.ErrEnded) {
		err = authn.RefusalOf(err)
	}
	return address, err
}

const badCode = "This link was not made for this browser, was used before, or is too old. Go back and try again."

// handoverCode returns the code of the request. The request must be a navigation of the
// browser that the code was made for.
func (h *handler) handoverCode(c *authn.Request) (handover.Code, error) {
	if err := errors.Join(c.CheckNavigation(), checkSite(c)); err != nil {
		return handover.Code{}, err
	}
	if err := web.ReadForm(c.W, c.R, web.MaxForm); err != nil || len(c.R.PostForm["code"]) != 1 {
		return handover.Code{}, refusal.New(api.InvalidRequest, "The body must be a form with exactly one code.").WithCause(err)
	}
	code, err := handover.OpenCode(h.handovers, c.R.PostForm.Get("code"), c.Now)
	if err != nil {
		return code, refusal.New(api.InvalidRequest, badCode).WithCause(err)
	}
	c.App = directory.App{ID: code.App}
	if browser, known := c.Browser(); known && h.browsers.Began(code, browser[:], c.Now) || h.beganByCookie(c, code) {
		return code, nil
	}
	return code, refusal.New(api.InvalidRequest, badCode)
}

// checkSite refuses a form of another site, according to Fetch Metadata. Origin cannot
// be used: it is null for a page that sends no referrer.
func checkSite(c *authn.Request) error {
	if site, sent := authn.SingleHeader(c.R.Header, "Sec-Fetch-Site"); sent && site != "same-origin" && site != "same-site" {
		return refusal.New(api.OriginNotAllowed, "Continue from a page of the app.")
	}
	return nil
}

// targetApp returns the app that a code opens and the address there, according to the
// current workspace.
func targetApp(c *authn.Request, code handover.Code) (string, error) {
	w, err := c.Current(c.Ctx, authn.Latest)
	if err != nil {
		return "", err
	}
	missing := refusal.New(api.AppNotInWorkspace, "The app no longer exists.")
	app, ok := w.AppByID(code.App)
	address, has := publicurl.ReturnAddress(c.Issuer, app, code.ReturnTo)
	if !ok || !has {
		return "", missing
	}
	c.Workspace, c.App = w, app
	switch err := c.MoveTo(publicurl.OriginOf(address)); {
	case errors.Is(err, directory.ErrNoOrganization), c.Only != "" && c.Only != code.Organization:
		return "", missing
	default:
		return address, err
	}
}

// parentSubject returns the session that the hand-over came from. It must be live, and
// its user still a member of the organization.
func parentSubject(c *authn.Request, code handover.Code) (directory.Subject, error) {
	id, err := session.ParseID(code.Parent)
	if err != nil {
		return directory.Subject{}, err
	}
	s, err := c.Store.Subject(c.Ctx, id, code.Organization, c.Now)
	switch {
	case err != nil:
		return s, err
	case c.CheckLive(s.Session) != nil:
		return s, c.CheckLive(s.Session)
	case s.Membership == nil:
		return s, refusal.New(api.OrganizationAccessDenied, noAccess)
	}
	return s, authn.CheckEnabled(s.User)
}

// createChild creates the browser's session in the other app, unless the user is
// already signed in there.
func createChild(c *authn.Request, parent *directory.Subject, code handover.Code) error {
	tokens, err := c.RefreshTokens()
	if err != nil {
		return err
	}
	here, _, err := c.LiveSessions(tokens)
	if err != nil || authn.SignedInAs(parent.User.ID, here) {
		return err
	}
	if err := c.RoomFor(parent.User.ID, here); err != nil {
		return err
	}
	if err := c.EvictOldest(); err != nil {
		return err
	}
	child := session.Session{
		Attempt: code.ID, Origin: c.TenantOrigin, UserAgent: authn.Clip(c.R.UserAgent()), Address: authn.Clip(c.R.RemoteAddr),
		Added: c.App.Accounts == directory.SeveralAccounts,
	}
	if browser, ok := c.Browser(); ok {
		child.Browser = browser.Fingerprint()
	}
	if child.EndsWithBrowser, err = c.Store.EndsWithBrowser(c.Ctx, parent.Session.ID); err != nil {
		return err
	}
	first, err := c.Grant().Child(c.Ctx, &parent.Session, code.Organization, &child)
	if errors.Is(err, session.ErrAttemptUsed) {
		return refusal.New(api.InvalidRequest, badCode)
	}
	if err != nil {
		return err
	}
	c.Record.Session, c.Record.User, c.Record.Organization = child.ID.String(), child.UserID, code.Organization
	c.SetRefreshToken(child, first)
	c.Audit(audit.Event{
		Action: audit.EnterApp, Reason: orgsession.AuditReason(parent.Membership), Actor: code.KeyID, UserID: child.UserID, OrganizationID: code.Organization, SessionID: child.ID.String(),
	})
	return nil
}
