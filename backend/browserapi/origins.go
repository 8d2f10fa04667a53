package browserapi

import (
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// leadToOrigin is POST /handover/origin: a page asks to bring its session to the origin of
// an organization that the user chose, or to the app's own. An organization that does not
// admit the user is refused here, so that the page stays as it is. One that asks for a
// further authentication is not: its own page asks for that. The request changes nothing.
func (h *handler) leadToOrigin(c *authn.Request, request api.OriginRequest) (*api.OriginResponse, error) {
	origins := originsOf(c)
	if origins == nil || !authn.ValidRef(request.Organization) {
		return nil, refusal.New(api.InvalidRequest, "The app has no origins that name organizations, or organization is neither an id nor a slug.")
	}
	own, err := readOnlySubject(c)
	if err != nil {
		return nil, err
	}
	if !own.Is(request.User) {
		return nil, identityChanged()
	}
	first, err := c.Store.Subject(c.Ctx, own.Session.SignInID(), request.Organization, c.Now)
	if err != nil {
		return nil, err
	}
	answer := &api.OriginResponse{Origin: origins.Home, ServerTime: c.Now}
	var only string
	var taken bool
	if request.Organization != "" {
		o, err := destination(c, &first, request.Organization)
		if err != nil {
			return nil, err
		}
		if taken = slices.Contains(c.Workspace.TakenSlugs(c.App), o.Slug); !taken {
			answer.Origin = directory.OriginFor(origins.Pattern, o.Slug)
		}
		if slug, _ := c.App.HasOrigin(answer.Origin); slug != "" {
			only = o.ID
		}
	}
	answer.URL = publicurl.Start(c.App, answer.Origin)
	if taken { // another app has the organization's origin
		answer.URL = publicurl.WithParameter(answer.URL, api.ParamEnter, request.Organization)
	}
	if own.Session.JKT != "" && first.Session.JKT != "" && first.Session.Parent == (session.ID{}) {
		code := handover.NewOriginCode(c.App.ID, answer.Origin, only, own.Session.ID, c.Now)
		answer.Code, answer.ExpiresIn = code.Seal(h.handovers), handover.CodeLife
	}
	return answer, nil
}

// originsOf returns where the pages of the request's app are, if it has an origin for each
// organization.
func originsOf(c *authn.Request) *api.Origins {
	pattern := c.App.OriginPattern()
	if pattern == "" {
		return nil
	}
	return &api.Origins{Home: publicurl.Home(c.Origin, c.App), Pattern: pattern}
}

// destination returns the organization that a user may enter, perhaps after a further
// authentication.
func destination(c *authn.Request, s *directory.Subject, ref string) (directory.Organization, error) {
	if s.Membership == nil {
		return invitedTo(c, s, ref)
	}
	d, err := c.Grant().Judge(c.Ctx, s, grant.Request{Entering: true, DeviceBound: s.Session.JKT != ""})
	if err != nil {
		return directory.Organization{}, err
	}
	switch d.Outcome {
	case policy.Allow, policy.StepUp, policy.DenyEnded:
		return s.Membership.Organization, nil
	}
	return directory.Organization{}, policyRefusal(c, &d, s)
}

// invitedTo returns the organization that invited the user, who accepts by entering it.
func invitedTo(c *authn.Request, s *directory.Subject, ref string) (o directory.Organization, err error) {
	i, err := c.Store.Invited(c.Ctx, s.User.ID, s.Session.ConfinedTo, ref, c.Now)
	if err == nil {
		o, err = c.Store.EnabledOrganization(c.Ctx, i.OrganizationID)
	}
	if errors.Is(err, directory.ErrNoInvitation) || errors.Is(err, directory.ErrNoOrganization) {
		err = refusal.New(api.OrganizationAccessDenied, noAccess)
	}
	return o, err
}

// joinOrigin is POST /handover/join: a page redeems a code with the device key of its
// origin, which gets a session that joined the browser's first one.
func (h *handler) joinOrigin(c *authn.Request, request api.JoinRequest) (*api.JoinResponse, error) {
	code, err := handover.OpenOriginCode(h.handovers, request.Code, c.Now)
	origin, _ := authn.SingleHeader(c.R.Header, "Origin")
	if err != nil || code.App != c.App.ID || code.Origin != origin || code.Organization != c.Only {
		return nil, refusal.New(api.InvalidRequest, badCode).WithCause(err)
	}
	key, err := c.UseKey()
	if err != nil {
		return nil, err
	}
	first, err := firstSession(c, code)
	if err == nil {
		err = joinFirst(c, &first, code, key)
	}
	if refusal.Is(err) {
		c.Audit(audit.Event{
			Action: audit.JoinOrigin, Outcome: audit.Refused, Reason: string(authn.RefusalOf(err).Code), Actor: audit.Server,
			OrganizationID: code.Organization, SessionID: code.By,
		})
	}
	if err != nil {
		return nil, err
	}
	return &api.JoinResponse{ServerTime: c.Now}, nil
}

// firstSession returns the first session of the browser in the app, given a code that a
// session of the same browser asked for.
func firstSession(c *authn.Request, code handover.OriginCode) (session.Session, error) {
	id, err := session.ParseID(code.By)
	if err != nil {
		return session.Session{}, err
	}
	by, err := c.Sibling(id)
	if errors.Is(err, session.ErrNotFound) {
		return by, refusal.New(api.InvalidRequest, badCode)
	}
	if err != nil || by.Holder != session.Joined {
		return by, err
	}
	return c.Store.Session(c.Ctx, by.SignInID())
}

// joinFirst creates the session of the page's origin.
func joinFirst(c *authn.Request, first *session.Session, code handover.OriginCode, key string) error {
	switch {
	case first.ConfinedTo != "" && first.ConfinedTo != c.Only:
		return refusal.New(api.OrganizationAccessDenied, noAccess)
	case first.Origin == c.TenantOrigin: // its device key is lost: two sessions of one origin would end each other
		return refusal.New(api.InvalidRequest, badCode)
	}
	if err := c.EvictOldest(); err != nil {
		return err
	}
	joined := session.Session{
		Attempt: code.ID, JKT: key, Origin: c.TenantOrigin, ConfinedTo: c.Only, Browser: first.Browser, EndsWithBrowser: first.EndsWithBrowser,
		UserAgent: authn.Clip(c.R.UserAgent()), Address: authn.Clip(c.R.RemoteAddr),
	}
	token, err := c.Grant().Join(c.Ctx, first, &joined)
	if errors.Is(err, session.ErrAttemptUsed) {
		return refusal.New(api.InvalidRequest, badCode)
	}
	if err != nil {
		return err
	}
	c.Record.Session, c.Record.User, c.Record.Organization = joined.ID.String(), joined.UserID, c.Only
	c.SetRefreshToken(joined, token)
	c.Audit(audit.Event{Action: audit.JoinOrigin, UserID: joined.UserID, OrganizationID: c.Only, SessionID: first.ID.String()})
	return nil
}
