package signin

import (
	"errors"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/login"
)

// Home realm discovery: people who do not know their organization's name give their
// e-mail address. Its domain, if an organization has verified it, leads to the
// organization's connection; every other address leads to the workspace's provider, with
// the same answer and after the same statements. The address identifies nobody and gives
// no membership. It goes to the provider as login_hint, and into no log.

// byAddress makes the address of the parameters the login hint, and returns the
// connection to which its domain leads, or nil.
func (f *Flow) byAddress(c *authn.Request, query url.Values) (*directory.Connection, error) {
	address := strings.TrimSpace(query.Get(api.ParamEmail))
	if address == "" {
		return nil, nil
	}
	if query.Get(api.ParamLoginHint) == "" {
		query.Set(api.ParamLoginHint, address)
	}
	if query.Get(api.ParamOrganization) != "" || query.Get(api.ParamUser) != "" { // the page knows the way
		return nil, nil
	}
	name, ok := domain.OfAddress(address)
	if !ok {
		name = "" // is looked up as well, so that every address costs the same
	}
	own, err := f.store.ConnectionByDomain(c.Ctx, name)
	if errors.Is(err, directory.ErrNoConnection) {
		return nil, nil
	}
	return &own, err
}

// providerFor returns the provider for a sign-in: that of the connection to which the
// person's address leads, or the one that the attempt's organization requires.
func (f *Flow) providerFor(c *authn.Request, attempt *login.Attempt, query url.Values) (*login.Provider, error) {
	own, err := f.byAddress(c, query)
	if err != nil {
		return nil, err
	}
	if own == nil {
		return f.chooseProvider(c, attempt)
	}
	attempt.Connection, attempt.Organization = own.ID, own.OrganizationID
	return f.providers.forConnection(*own)
}
