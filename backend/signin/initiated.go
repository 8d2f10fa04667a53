package signin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// Third-party initiated login (OpenID Connect Core section 4): the tile in a company's
// portal opens /login with iss, and perhaps target_link_uri and login_hint, by GET or
// by a form. /login/{connection} is the address to register where several connections
// have one issuer; iss is optional there.
//
// Such a navigation comes from a foreign page. It therefore gets the page that asks
// first, and its target must be an address of an app (see confirm).

// InitiatedForm is POST /login with a form. The page that it answers leads on by GET.
func (f *Flow) InitiatedForm(c *authn.Request) error {
	if err := c.CheckNavigation(); err != nil {
		return err
	}
	if err := web.ReadForm(c.W, c.R, web.MaxForm); err != nil {
		return err
	}
	query, err := parameters(c.R.URL.RawQuery + "&" + c.R.PostForm.Encode())
	if err != nil {
		return err
	}
	if !isInitiated(c, query) {
		return refusal.New(api.InvalidRequest, "Parameter iss is missing.")
	}
	if query, err = f.initiated(c, query); err != nil || query == nil {
		return err
	}
	return confirm(c, query)
}

// isInitiated reports whether a third party initiates the sign-in.
func isInitiated(c *authn.Request, query url.Values) bool {
	return query.Has(api.ParamIssuer) || query.Has(api.ParamTarget) || c.R.PathValue("connection") != ""
}

// initiated returns the parameters of the sign-in that a third party initiates: at the
// organization whose connection has the issuer, or at the workspace's provider. If no
// provider, or more than one, has the issuer, initiated answers with a page that leads
// to the ordinary sign-in, and returns nil.
func (f *Flow) initiated(c *authn.Request, given url.Values) (url.Values, error) {
	query := url.Values{}
	for name, value := range map[string]string{
		api.ParamApp: given.Get(api.ParamApp), api.ParamReturnTo: given.Get(api.ParamTarget), api.ParamLoginHint: given.Get(api.ParamLoginHint),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if given.Has(api.ParamAsk) {
		query.Set(api.ParamAsk, "1")
	}
	if _, err := returnURL(c, query.Get(api.ParamApp), query.Get(api.ParamReturnTo)); err != nil && !refusal.Is(err) {
		return nil, err
	} else if err != nil {
		return nil, refusal.New(api.InvalidRequest, "target_link_uri is not an address of an app here.").WithCause(err)
	}
	organization, problem, err := f.initiator(c, given.Get(api.ParamIssuer), c.R.PathValue("connection"))
	if err != nil {
		return nil, err
	}
	if problem != "" {
		return nil, unknownProvider(c, query, problem)
	}
	if organization != "" {
		query.Set(api.ParamOrganization, organization)
	}
	return query, nil
}

// maxIssuer is the largest length of an issuer, in bytes.
const maxIssuer = 1000

// initiator returns the organization at whose connection a sign-in is initiated, which
// is empty for the workspace's provider. problem says why there is none.
func (f *Flow) initiator(c *authn.Request, issuer, connection string) (organization, problem string, err error) {
	const unknown = "No enabled connection has this issuer."
	if len(issuer) > maxIssuer || !login.Unambiguous(issuer) {
		return "", unknown, nil
	}
	if connection != "" {
		own, err := enabledConnection(c, connection)
		_, disabled := errors.AsType[*login.Refused](err)
		switch {
		case disabled, err == nil && issuer != "" && issuer != own.Issuer:
			return "", unknown, nil
		case err != nil:
			return "", "", err
		}
		return own.OrganizationID, "", nil
	}
	own, err := f.store.ConnectionsByIssuer(c.Ctx, issuer, 2)
	switch here := f.provider.IsIssuer(issuer); {
	case err != nil:
		return "", "", err
	case here && len(own) == 0:
		return "", "", nil
	case !here && len(own) == 1:
		return own[0].OrganizationID, "", nil
	case len(own) > 0:
		return "", "Several connections have this issuer. Register " + api.PathLogin + "/{connection} as the address that initiates the sign-in.", nil
	}
	return "", unknown, nil
}

// unknownProvider answers with a page that leads to the ordinary sign-in.
func unknownProvider(c *authn.Request, query url.Values, problem string) error {
	r := refusal.New(api.InvalidRequest, problem)
	if !strings.Contains(c.R.Header.Get("Accept"), "text/html") {
		return r
	}
	c.Record.Refusal = r
	query.Del(api.ParamAsk)
	query.Set(api.ParamApp, c.App.ID)
	query.Set(api.ParamFollowed, "1")
	c.WritePage(page.Page{
		Kind: page.NoProvider, Status: http.StatusBadRequest, Code: string(r.Code), Detail: problem,
		Links: append([]page.Link{{Label: page.Continue, URL: c.Issuer + api.PathLogin + "?" + query.Encode()}}, c.HomeLinks()...),
	})
	return nil
}
