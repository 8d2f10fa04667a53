package signin

import (
	"cmp"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// maxACRValues is the largest length of acr_values, in bytes. The attempt must fit into
// the state parameter.
const maxACRValues = 256

// Login is GET /login. It redirects the browser to the OpenID provider. It must be a
// top-level navigation from an app's page; a foreign link gets a page that asks first.
// A navigation proves no device key: it binds none to the new session and cannot step
// up a session that has one.
func (f *Flow) Login(c *authn.Request) error {
	if err := c.CheckNavigation(); err != nil {
		return err
	}
	query, err := query(c)
	if err != nil {
		return err
	}
	if isInitiated(c, query) {
		if query, err = f.initiated(c, query); err != nil || query == nil {
			return err
		}
	}
	if here, err := fromAppPage(c, query); err != nil {
		return err
	} else if !here || query.Has(api.ParamAsk) {
		return confirm(c, query)
	}
	target, err := f.authorization(c, query)
	if err != nil {
		return err
	}
	c.Redirect(target)
	return nil
}

// LoginByKey is POST /login, with the parameters of GET. The page's script calls it
// with a proof of the device key for the new session, or of the session to step up, and
// then navigates to the returned address.
func (f *Flow) LoginByKey(c *authn.Request, request api.LoginRequest) (*api.LoginResponse, error) {
	query, err := query(c)
	if err != nil {
		return nil, err
	}
	if request.Email != "" {
		query.Set(api.ParamEmail, request.Email)
	}
	target, err := f.authorization(c, query)
	if err != nil {
		return nil, err
	}
	return &api.LoginResponse{Location: target, ServerTime: c.Now}, nil
}

// authorization starts the sign-in of the parameters and returns the next address: the
// provider, or the app with an error.
func (f *Flow) authorization(c *authn.Request, query url.Values) (string, error) {
	if app := query.Get(api.ParamApp); !c.ReadOnly() && app != "" && app != c.App.ID {
		return "", refusal.New(api.OriginNotAllowed, "A page can only sign in to its own app.")
	} else if !c.ReadOnly() {
		query.Set(api.ParamApp, c.App.ID)
	}
	page := c.TenantOrigin
	attempt, err := parseRequest(c, query)
	if err != nil {
		return "", err
	}
	if !c.ReadOnly() && c.TenantOrigin != page { // the device key is of the page's origin
		return "", refusal.New(api.OriginNotAllowed, "A page can only sign in to its own origin.")
	}
	target, err := f.beginAttempt(c, &attempt, query)
	var refused *login.Refused
	if errors.As(err, &refused) {
		return failureURL(c, attempt, refused), nil
	}
	return target, err
}

// beginAttempt starts an attempt at its provider.
func (f *Flow) beginAttempt(c *authn.Request, attempt *login.Attempt, query url.Values) (string, error) {
	attempt.Chosen = query.Get(api.ParamFollowed) == "" && query.Get(api.ParamPrompt) != "none"
	provider, err := f.providerFor(c, attempt, query)
	if err == nil {
		err = prepareAccount(c, attempt, query)
	}
	if err == nil {
		err = prepareStepUp(c, attempt, query.Get(api.ParamUser))
	}
	if err == nil {
		attempt.JKT, err = c.ProvenKey()
	}
	if err != nil {
		return "", err
	}
	prompt, err := prompt(c, *attempt, query)
	if err != nil {
		return "", err
	}
	attempt.Prompt, attempt.LoginHint = prompt, query.Get(api.ParamLoginHint)
	attempt.Confirms = prompt == "login" && query.Get(api.ParamConfirm) != ""
	return f.authorize(c, provider, attempt)
}

// parseRequest returns the attempt that the parameters describe.
func parseRequest(c *authn.Request, query url.Values) (login.Attempt, error) {
	asked := query.Get(api.ParamReturnTo)
	if c.TenantOrigin != "" && (asked == "" || strings.HasPrefix(asked, "/")) {
		asked = c.TenantOrigin + cmp.Or(asked, c.App.Path)
	}
	returnTo, err := returnURL(c, query.Get(api.ParamApp), asked)
	if err != nil {
		return login.Attempt{}, err
	}
	attempt := login.NewAttempt(c.App.ID, returnTo, c.Now)
	if query.Has(api.ParamAgain) {
		attempt.Restarts = 1
	}
	attempt.Organization, attempt.ACRValues = query.Get(api.ParamOrganization), query.Get(api.ParamACRValues)
	if !query.Has(api.ParamJoin) { // the browser's first session began at the workspace's provider
		if attempt.Organization, err = c.Within(attempt.Organization); err != nil {
			return attempt, err
		}
	}
	if !authn.ValidRef(attempt.Organization) || len(attempt.ACRValues) > maxACRValues {
		return attempt, refusal.New(api.InvalidRequest, "organization or acr_values is malformed.")
	}
	switch attempt.SessionCookie = query.Get(api.ParamSessionCookie); attempt.SessionCookie {
	case "", "true", "false":
	default:
		return attempt, refusal.New(api.InvalidRequest, "session_cookie must be true or false.")
	}
	if text := query.Get(api.ParamMaxAge); text != "" {
		age, err := strconv.ParseInt(text, 10, 32)
		if err != nil || age < 0 {
			return attempt, refusal.New(api.InvalidRequest, "max_age must be a number of seconds.")
		}
		attempt.MaxAge = &age
	}
	return attempt, nil
}
