package httpapi

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
)

// maxACRValues is the longest acr_values, in bytes: the attempt has to fit a cookie.
const maxACRValues = 256

// login is GET /login: it sends the browser to the OpenID provider. Only a page's
// own navigation starts it, never a frame, an image or a script. A navigation proves no
// key: it neither binds one to the new session nor raises a session that has one.
func (c *call) login() error {
	if err := c.navigation(); err != nil {
		return err
	}
	target, err := c.authorization()
	if err != nil {
		return err
	}
	c.redirect(target)
	return nil
}

// loginByKey is POST /login, with the parameters of GET: the page's script begins the
// sign-in, proves the device key that the new session is bound to, or that of the
// session that a step-up raises, and then goes to the address in the answer.
func (c *call) loginByKey(struct{}) (*api.LoginResponse, error) {
	target, err := c.authorization()
	if err != nil {
		return nil, err
	}
	return &api.LoginResponse{Location: target, ServerTime: c.now}, nil
}

// authorization begins the sign-in that the parameters ask for and returns where the
// browser goes: to the provider, or back to the app with a refusal.
func (c *call) authorization() (string, error) {
	query, err := c.query()
	if err != nil {
		return "", err
	}
	if app := query.Get(api.ParamApp); !c.reading() && app != "" && app != c.app.ID {
		return "", refuse(api.OriginNotAllowed, "A page signs in to its own app.")
	} else if !c.reading() {
		query.Set(api.ParamApp, c.app.ID)
	}
	attempt, err := c.begun(query)
	if err != nil {
		return "", err
	}
	target, err := c.beginAt(&attempt, query)
	var refused *login.Refused
	if errors.As(err, &refused) {
		return c.gaveUp(attempt, refused), nil
	}
	return target, err
}

// beginAt begins an attempt at the provider that is the one for it.
func (c *call) beginAt(attempt *login.Attempt, query url.Values) (string, error) {
	attempt.Chosen = c.fromHere() == nil && query.Get(api.ParamPrompt) != "none"
	provider, err := c.choose(attempt)
	if err == nil {
		err = c.raising(attempt, query.Get(api.ParamUser))
	}
	if err == nil {
		attempt.JKT, err = c.provenKey()
	}
	if err != nil {
		return "", err
	}
	prompt, err := c.prompt(*attempt, query)
	if err != nil {
		return "", err
	}
	target, err := provider.AuthorizationURL(c.ctx, *attempt, login.Request{
		LoginHint: query.Get(api.ParamLoginHint), Prompt: prompt, Age: c.workspace.Policy.AuthenticationAge,
	})
	if err == nil {
		err = c.remember(*attempt)
	}
	return target, err
}

// begun is the sign-in that the parameters ask for.
func (c *call) begun(query url.Values) (login.Attempt, error) {
	returnTo, err := c.landing(query.Get(api.ParamApp), query.Get(api.ParamReturnTo))
	if err != nil {
		return login.Attempt{}, err
	}
	attempt := login.NewAttempt(c.app.ID, returnTo, c.now)
	attempt.Organization, attempt.ACRValues = query.Get(api.ParamOrganization), query.Get(api.ParamACRValues)
	if unnameable(attempt.Organization) || len(attempt.ACRValues) > maxACRValues {
		return attempt, refuse(api.InvalidRequest, "organization or acr_values is nothing that could be meant.")
	}
	if text := query.Get(api.ParamMaxAge); text != "" {
		age, err := strconv.ParseInt(text, 10, 32)
		if err != nil || age < 0 {
			return attempt, refuse(api.InvalidRequest, "max_age is not a number of seconds.")
		}
		attempt.MaxAge = &age
	}
	return attempt, nil
}
