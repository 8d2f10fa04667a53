package browserapi

import (
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/web"
)

// postLogin is POST /login: by the page's script in JSON, or by the form of a portal
// that initiates the sign-in.
func (h *handler) postLogin(c *authn.Request) error {
	if web.IsForm(c.R) {
		return h.signIn.InitiatedForm(c)
	}
	return authn.Answer(h.signIn.LoginByKey)(c)
}
