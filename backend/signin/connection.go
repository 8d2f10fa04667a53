package signin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/provisioning"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// connectionDisabled is the error of a sign-in to an organization whose own connection
// is disabled.
const connectionDisabled api.Code = "connection_disabled"

// providers holds the providers of organizations' own connections, with their cached
// metadata.
type providers struct {
	publicURL string
	secrets   signingkey.Sealer
	transport http.RoundTripper
	clientKey *login.ClientKey

	mu    sync.Mutex
	cache map[string]cachedProvider // by connection id
}

type cachedProvider struct {
	revision int64
	provider *login.Provider
}

// maxProviders limits the cache. A dropped provider's metadata is read again.
const maxProviders = 1000

// forConnection returns the provider of a connection at its current revision.
func (p *providers) forConnection(c directory.Connection) (*login.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.cache[c.ID]; ok && known.revision == c.Revision {
		return known.provider, nil
	}
	secret, key, err := p.credentials(c)
	if err != nil {
		return nil, err
	}
	if len(p.cache) >= maxProviders || p.cache == nil {
		p.cache = map[string]cachedProvider{}
	}
	provider := login.New(login.Config{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: string(secret), Scopes: c.Scopes,
		UntypedLogoutTokens: c.UntypedLogoutTokens, FrontchannelLogout: c.FrontchannelLogout, ClientKey: key, ResponseMode: c.ResponseMode, PushRequests: c.PushRequests, Offline: c.Revalidate > 0,
		TokenEndpointAudience: c.AssertionAudience == directory.TokenEndpoint,
		RedirectURL:           publicurl.ConnectionCallback(p.publicURL, c.ID), Transport: p.transport,
	})
	p.cache[c.ID] = cachedProvider{c.Revision, provider}
	return provider, nil
}

// credentials returns the client secret or the key for authentication at a connection's
// provider.
func (p *providers) credentials(c directory.Connection) (secret []byte, key *login.ClientKey, err error) {
	if c.ClientAuth != directory.PrivateKeyJWT {
		secret, err = p.secrets.Open(c.SealedSecret, c.ID)
		return secret, nil, err
	}
	if p.clientKey == nil {
		err := fmt.Errorf("connection %s uses private_key_jwt, but this server has no client key: set --oidc-client-key-file", c.ID)
		return nil, nil, &login.Refused{Code: "server_error", Fault: login.FaultClient, Err: err}
	}
	return nil, p.clientKey, nil
}

// Workspace returns the workspace's provider.
func (f *Flow) Workspace() *login.Provider { return f.provider }

// ForConnection returns the provider of a connection.
func (f *Flow) ForConnection(c directory.Connection) (*login.Provider, error) {
	return f.providers.forConnection(c)
}

// chooseProvider returns the provider for a sign-in: the organization's own, if it has
// one.
func (f *Flow) chooseProvider(c *authn.Request, attempt *login.Attempt) (*login.Provider, error) {
	if attempt.Organization == "" {
		return f.provider, nil
	}
	at, err := c.Store.SignInAt(c.Ctx, attempt.Organization)
	switch own := at.Connection; {
	case err != nil:
		return nil, err
	case own == nil && at.Required == "":
		return f.provider, nil
	case own == nil || at.Required != "" && at.Required != own.ID:
		return nil, refusedWith(connectionDisabled)
	}
	attempt.Connection, attempt.Organization = at.Connection.ID, at.Connection.OrganizationID
	return f.ForConnection(*at.Connection)
}

// prompt returns the prompt parameter for the provider. If the sign-in will link an
// identity, the user must log in explicitly, because a link is permanent and the
// browser's session at the provider may be another user's.
func prompt(c *authn.Request, attempt login.Attempt, query url.Values) (string, error) {
	asked := query.Get(api.ParamPrompt)
	if asked == "" && attempt.Account == api.AnotherAccount {
		asked = selectAccount
	}
	if attempt.Connection == "" || attempt.Session == "" {
		return asked, nil
	}
	_, err := c.Store.LinkedAs(c.Ctx, attempt.Connection, query.Get(api.ParamUser))
	switch {
	case !errors.Is(err, directory.ErrNoUser):
		return asked, err
	case !attempt.Proven:
		return "", refusedWith(api.DeviceKeyRequired)
	}
	return "login", nil
}

// ProviderFor returns the provider of an attempt, and its connection, which is nil for
// the workspace's provider.
func (f *Flow) ProviderFor(c *authn.Request, attempt login.Attempt) (*login.Provider, *directory.Connection, error) {
	if attempt.Connection == "" {
		return f.provider, nil, nil
	}
	own, err := enabledConnection(c, attempt.Connection)
	if err != nil {
		return nil, nil, err
	}
	provider, err := f.ForConnection(own)
	return provider, &own, err
}

func enabledConnection(c *authn.Request, id string) (directory.Connection, error) {
	if !directory.IsConnectionID(id) {
		return directory.Connection{}, refusedWith(connectionDisabled)
	}
	own, err := c.Store.Connection(c.Ctx, id)
	if errors.Is(err, directory.ErrNoConnection) || err == nil && !own.Enabled {
		return own, refusedWith(connectionDisabled)
	}
	return own, err
}

// findUser returns the user of an identity. At the workspace's provider, (iss, sub)
// identifies the user. At an organization's own provider, (connection, sub) identifies
// the linked user, or a user of this connection only. An e-mail address identifies
// nobody.
func findUser(c *authn.Request, i login.Identity, own *directory.Connection) (directory.User, error) {
	u := directory.User{ID: directory.NewID("usr_"), Issuer: i.Issuer, Subject: i.Subject, Name: i.Name, Email: i.Email}
	if own == nil {
		return c.Store.SignIn(c.Ctx, u, c.Now)
	}
	linked, err := c.Store.Linked(c.Ctx, own.ID, i.Subject)
	switch {
	case err == nil && linked.Issuer != own.ID: // this provider must not change the user's name
		return linked, nil
	case err != nil && !errors.Is(err, directory.ErrNoUser):
		return linked, err
	}
	u.Issuer = own.ID
	if u, err = c.Store.SignIn(c.Ctx, u, c.Now); err != nil {
		return u, err
	}
	return u, link(c, own, i, u, login.Attempt{})
}

// link links an identity at an organization's own provider with a user, unless it is
// linked with another one. A link outlives every session. From a session, it therefore
// requires proof of a device key that was bound at the sign-in; a cookie alone can be
// copied.
func link(c *authn.Request, own *directory.Connection, i login.Identity, u directory.User, attempt login.Attempt) error {
	linked, err := c.Store.Linked(c.Ctx, own.ID, i.Subject)
	if err == nil && linked.ID == u.ID || err != nil && !errors.Is(err, directory.ErrNoUser) {
		return err
	}
	e := audit.Event{Action: audit.LinkIdentity, Target: own.ID, UserID: u.ID, OrganizationID: own.OrganizationID, SessionID: attempt.Session}
	if attempt.Session != "" && !attempt.Proven {
		err = refusedWith(api.DeviceKeyRequired)
	} else if err = c.Store.Link(c.Ctx, own.ID, i.Subject, u.ID, c.Now); errors.Is(err, directory.ErrLinked) {
		err = refusedWith(api.IdentityChanged)
	} else if err != nil {
		return err
	}
	if err != nil {
		e.Outcome = audit.Refused
	}
	c.Audit(e)
	return err
}

// admits reports whether the session's user may authenticate at the organization's own
// provider: as a member, or as a new member if it admits them just in time. A session
// that is confined to another organization is not accepted.
func admits(own *directory.Connection, i login.Identity, s directory.Subject) bool {
	if s.Session.ConfinedTo != "" && s.Session.ConfinedTo != own.OrganizationID {
		return false
	}
	_, member, _ := own.Provisioning.Member(provisioning.Claims(i))
	return s.Membership != nil || member && own.Provisioning.JustInTime
}

// SessionProvider returns the provider of a session's sign-in, or nil if it is no
// longer available.
func (f *Flow) SessionProvider(c *authn.Request, s session.Session) *login.Provider {
	if s.SignIn.Connection == "" {
		return f.provider
	}
	provider, _, err := f.ProviderFor(c, login.Attempt{Connection: s.SignIn.Connection})
	if err != nil {
		return nil
	}
	return provider
}
