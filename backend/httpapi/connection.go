package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// connectionDisabled is what a sign-in comes back with from an organisation whose own
// connection does not let anybody in.
const connectionDisabled api.Code = "connection_disabled"

// ConnectionCallbackURL is the redirect URI to register at the provider of an
// organisation's own connection. Each has its own, so that no provider answers for
// another (RFC 9700 section 4.4).
func ConnectionCallbackURL(publicURL, connectionID string) string {
	return CallbackURL(publicURL) + "/" + connectionID
}

// providers are those of organisations' own connections, with what was found out
// about each.
type providers struct {
	publicURL string
	secrets   keys.Sealer
	transport http.RoundTripper

	mu    sync.Mutex
	known map[string]knownProvider // by connection
}

type knownProvider struct {
	revision int64
	provider *login.Provider
}

// maxProviders bounds what is kept of providers; one that is dropped is asked again.
const maxProviders = 1000

// of returns a connection's provider, as the connection is now.
func (p *providers) of(c directory.Connection) (*login.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[c.ID]; ok && known.revision == c.Revision {
		return known.provider, nil
	}
	secret, err := p.secrets.Open(c.SealedSecret, c.ID)
	if err != nil {
		return nil, err
	}
	if len(p.known) >= maxProviders || p.known == nil {
		p.known = map[string]knownProvider{}
	}
	provider := login.New(login.Config{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: string(secret), Scopes: c.Scopes,
		RedirectURL: ConnectionCallbackURL(p.publicURL, c.ID), Transport: p.transport,
	})
	p.known[c.ID] = knownProvider{c.Revision, provider}
	return provider, nil
}

// choose decides at whose provider a sign-in happens: at that of the organisation that
// it is for, where it has its own.
func (c *call) choose(attempt *login.Attempt) (*login.Provider, error) {
	if attempt.Organization == "" {
		return c.provider, nil
	}
	at, err := c.store.SignInAt(c.ctx, attempt.Organization)
	switch own := at.Connection; {
	case err != nil:
		return nil, err
	case own == nil && at.Required == "":
		return c.provider, nil
	case own == nil || at.Required != "" && at.Required != own.ID:
		return nil, failed(connectionDisabled)
	}
	if err := c.fromHere(); err != nil {
		return nil, err
	}
	attempt.Connection, attempt.Organization = at.Connection.ID, at.Connection.OrganizationID
	return c.providers.of(*at.Connection)
}

// prompt is what the provider is asked to ask. Where somebody will be linked, they say
// who they are there: nobody becomes whom a browser happens to remember, for good.
func (c *call) prompt(attempt login.Attempt, query url.Values) (string, error) {
	asked := query.Get(api.ParamPrompt)
	if attempt.Connection == "" || attempt.Session == "" {
		return asked, nil
	}
	_, err := c.store.LinkedAs(c.ctx, attempt.Connection, query.Get(api.ParamUser))
	switch {
	case !errors.Is(err, directory.ErrNoUser):
		return asked, err
	case !attempt.Proven:
		return "", failed(api.DeviceKeyRequired)
	}
	return "login", nil
}

// fromHere refuses to follow a foreign page to an organisation's own provider, where
// the browser tells: whoever owns that could sign visitors of any page in as somebody
// of theirs (RFC 9700 section 4.7), in place of who they were.
func (c *call) fromHere() error {
	if site, _ := single(c.r.Header, "Sec-Fetch-Site"); site == "cross-site" {
		return refuse(api.OriginNotAllowed, "Sign in from the app's own page.")
	}
	return nil
}

// through is the provider that an attempt goes through, and the connection that it is
// of; nil where it is the workspace's.
func (c *call) through(attempt login.Attempt) (*login.Provider, *directory.Connection, error) {
	if attempt.Connection == "" {
		return c.provider, nil, nil
	}
	own, err := c.enabledConnection(attempt.Connection)
	if err != nil {
		return nil, nil, err
	}
	provider, err := c.providers.of(own)
	return provider, &own, err
}

func (c *call) enabledConnection(id string) (directory.Connection, error) {
	own, err := c.store.Connection(c.ctx, id)
	if errors.Is(err, directory.ErrNoConnection) || err == nil && !own.Enabled {
		return own, failed(connectionDisabled)
	}
	return own, err
}

// person finds out who signed in. (iss, sub) of the workspace's provider names a
// person; of an organisation's own, (connection, sub) names whom it was linked with,
// or somebody whom no other provider knows. An e-mail address names nobody.
func (c *call) person(i login.Identity, own *directory.Connection) (directory.User, error) {
	u := directory.User{ID: directory.NewID("usr_"), Issuer: i.Issuer, Subject: i.Subject, Name: i.Name, Email: i.Email}
	if own == nil {
		return c.store.SignIn(c.ctx, u, c.now)
	}
	linked, err := c.store.Linked(c.ctx, own.ID, i.Subject)
	switch {
	case err == nil && linked.Issuer != own.ID: // whose name is not this provider's to change
		return linked, nil
	case err != nil && !errors.Is(err, directory.ErrNoUser):
		return linked, err
	}
	u.Issuer = own.ID
	if u, err = c.store.SignIn(c.ctx, u, c.now); err != nil {
		return u, err
	}
	return u, c.link(own, i, u, login.Attempt{})
}

// link makes who answered at an organisation's own provider be a person, unless they
// are somebody else. A link outlives every session: it is made from one only where its
// device key was proved for the attempt, for a cookie is copied more easily.
func (c *call) link(own *directory.Connection, i login.Identity, u directory.User, attempt login.Attempt) error {
	linked, err := c.store.Linked(c.ctx, own.ID, i.Subject)
	if err == nil && linked.ID == u.ID || err != nil && !errors.Is(err, directory.ErrNoUser) {
		return err
	}
	e := audit.Event{Action: audit.LinkIdentity, Target: own.ID, UserID: u.ID, OrganizationID: own.OrganizationID, SessionID: attempt.Session}
	if attempt.Session != "" && !attempt.Proven {
		err = failed(api.DeviceKeyRequired)
	} else if err = c.store.Link(c.ctx, own.ID, i.Subject, u.ID, c.now); errors.Is(err, directory.ErrLinked) {
		err = failed(api.IdentityChanged)
	} else if err != nil {
		return err
	}
	if err != nil {
		e.Outcome = audit.Refused
	}
	c.audit(e)
	return err
}

// provision keeps the membership that an organisation's own connection gives in line
// with what its provider says, and writes down what that changed.
func (c *call) provision(own *directory.Connection, i login.Identity, u directory.User) error {
	before, err := c.rolesOf(own, u)
	if err != nil {
		return err
	}
	if roles, member := own.Provisioning.Member(i.Claims); member {
		err = c.store.Provision(c.ctx, u.ID, own.OrganizationID, roles, own.Provisioning.JustInTime, c.now)
	} else {
		err = c.store.Deprovision(c.ctx, u.ID, own.OrganizationID)
	}
	if err != nil {
		return err
	}
	after, err := c.rolesOf(own, u)
	if err == nil {
		c.auditMember(own.OrganizationID, own.ID, u, before, after)
	}
	return err
}

// rolesOf are a person's in a connection's organisation; nil where they are no member.
func (c *call) rolesOf(own *directory.Connection, u directory.User) ([]string, error) {
	m, err := c.store.Member(c.ctx, own.OrganizationID, u.ID)
	if errors.Is(err, directory.ErrNoMember) {
		return nil, nil
	}
	return append([]string{}, m.Roles...), err
}

// admits tells whether the session's person may answer at the organisation's own
// provider: a member, or one whom it makes a member. In a session confined to another
// organisation, whose provider said who is there, nobody may.
func admits(own *directory.Connection, i login.Identity, s directory.Subject) bool {
	if s.Session.ConfinedTo != "" && s.Session.ConfinedTo != own.OrganizationID {
		return false
	}
	_, member := own.Provisioning.Member(i.Claims)
	return s.Membership != nil || member && own.Provisioning.JustInTime
}

// providerOf is where a session's sign-in happened; nil where that can be no more.
func (c *call) providerOf(s session.Session) *login.Provider {
	if s.SignIn.Connection == "" {
		return c.provider
	}
	provider, _, err := c.through(login.Attempt{Connection: s.SignIn.Connection})
	if err != nil {
		return nil
	}
	return provider
}
