package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/web"
)

// A hand-over's cookie names the hash of the secret that it keeps. It is Strict: every
// app is of the backend's site.
const handoverCookie = "__Host-Http-tabard-handover."

func handoverCookieName(challenge string) string { return handoverCookie + challenge[:nameChars] }

// handOver is POST /handover: a page begins to bring the person into another app (see
// package handover, which says why). It needs no session and says nothing of one.
func (c *call) handOver(api.HandoverRequest) (*api.HandoverResponse, error) {
	c.clearBeginnings(maxAttempts - 1)
	b := handover.Begin(c.now)
	challenge := b.Challenge()
	name := handoverCookieName(challenge)
	c.setHandover(name, b.Seal(c.handovers, name), handover.BeginLife)
	return &api.HandoverResponse{CodeChallenge: challenge, ExpiresIn: handover.BeginLife, ServerTime: c.now}, nil
}

// clearBeginnings leaves a browser some of those that it carries: those it names last
// are the newest (RFC 6265bis section 5.8.3).
func (c *call) clearBeginnings(most int) {
	var names []string
	for _, cookie := range c.r.Cookies() {
		if strings.HasPrefix(cookie.Name, handoverCookie) {
			names = append(names, cookie.Name)
		}
	}
	for len(names) > most {
		c.setHandover(names[0], "", -1)
		names = names[1:]
	}
}

func (c *call) setHandover(name, value string, life int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: life, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// redeem is POST /handover/code: the browser that began comes with its code, and leaves
// for the other app with a session there.
func (c *call) redeem() error {
	code, err := c.handoverCode()
	var address string
	if err == nil {
		address, err = c.handedOver(code)
	}
	if refusal.Is(err) && code.ID != "" {
		c.audit(audit.Event{
			Action: audit.EnterApp, Outcome: audit.Refused, Reason: string(refusalOf(err).Code), Actor: code.KeyID,
			OrganizationID: code.Organization, SessionID: code.Parent,
		})
	}
	if err != nil {
		return err
	}
	c.redirect(address)
	return nil
}

// handedOver gives the browser its session in the app that a code opens, and returns
// the address there.
func (c *call) handedOver(code handover.Code) (string, error) {
	app, address, err := c.opens(code)
	if err != nil {
		return "", err
	}
	c.app = app
	parent, err := c.parent(code)
	if err == nil {
		err = c.enterFrom(&parent, code)
	}
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrOrganizationEnded) {
		err = refusalOf(err)
	}
	return address, err
}

const noCode = "This link was not made for this browser, was used before, or is too old. Go back and try again."

// handoverCode reads the code of the request, a page's own navigation in the browser
// that the code was made for. What that browser began with counts once.
func (c *call) handoverCode() (handover.Code, error) {
	if err := errors.Join(c.navigation(), c.fromOurSite()); err != nil {
		return handover.Code{}, err
	}
	if err := web.ReadForm(c.w, c.r); err != nil || len(c.r.PostForm["code"]) != 1 {
		return handover.Code{}, refusal.New(api.InvalidRequest, "The body is not a form with a code.").Because(err)
	}
	code, err := handover.OpenCode(c.handovers, c.r.PostForm.Get("code"), c.now)
	if err != nil {
		return code, refusal.New(api.InvalidRequest, noCode).Because(err)
	}
	c.app = directory.App{ID: code.App}
	name := handoverCookieName(code.Challenge)
	cookies := c.r.CookiesNamed(name)
	if len(cookies) != 1 || cookies[0].Quoted || !code.Began(c.handovers, cookies[0].Value, name, c.now) {
		return code, refusal.New(api.InvalidRequest, noCode)
	}
	c.setHandover(name, "", -1)
	return code, nil
}

// fromOurSite refuses a form of another site, where the browser tells. A page that sends
// no referrer has Origin null.
func (c *call) fromOurSite() error {
	if site, told := single(c.r.Header, "Sec-Fetch-Site"); told && site != "same-origin" && site != "same-site" {
		return refusal.New(api.OriginNotAllowed, "Go on from the app's own page.")
	}
	return nil
}

// opens finds the app that a code opens, and the address there, as they are now.
func (c *call) opens(code handover.Code) (directory.App, string, error) {
	w, err := c.current(c.ctx, unseen)
	if err != nil {
		return directory.App{}, "", err
	}
	c.workspace = w
	if app, ok := w.AppByID(code.App); ok {
		if address, ok := publicurl.ReturnAddress(c.issuer, app, code.ReturnTo); ok {
			return app, address, nil
		}
	}
	return directory.App{}, "", refusal.New(api.AppNotInWorkspace, "The app is not known any more.")
}

// parent reads the session that the person comes from, which has to live and act for
// the organisation still.
func (c *call) parent(code handover.Code) (directory.Subject, error) {
	id, err := session.ParseID(code.Parent)
	if err != nil {
		return directory.Subject{}, err
	}
	s, err := c.store.Subject(c.ctx, id, code.Organization, c.now)
	switch {
	case err != nil:
		return s, err
	case c.live(s.Session) != nil:
		return s, c.live(s.Session)
	case s.Membership == nil:
		return s, refusal.New(api.OrganizationAccessDenied, noAccess)
	}
	return s, enabled(s.User)
}

// enterFrom makes the session of the browser in the other app, unless it has one there
// that opens the organisation to the same person.
func (c *call) enterFrom(parent *directory.Subject, code handover.Code) error {
	tokens, err := c.refreshTokens()
	if err != nil {
		return err
	}
	here, _, err := c.living(tokens)
	if err != nil || signedInAs(parent.User.ID, here) {
		return err
	}
	if err := c.makeRoom(here); err != nil {
		return err
	}
	child := session.Session{Attempt: code.ID, UserAgent: clip(c.r.UserAgent()), Address: clip(c.r.RemoteAddr)}
	first, err := c.grant().Child(c.ctx, &parent.Session, code.Organization, &child)
	if errors.Is(err, session.ErrAttemptUsed) {
		return refusal.New(api.InvalidRequest, noCode)
	}
	if err != nil {
		return err
	}
	c.record.session, c.record.user, c.record.organization = child.ID.String(), child.UserID, code.Organization
	c.keep(child, first)
	c.audit(audit.Event{
		Action: audit.EnterApp, Reason: grant.By(parent.Membership), Actor: code.KeyID, UserID: child.UserID, OrganizationID: code.Organization, SessionID: child.ID.String(),
	})
	return nil
}
