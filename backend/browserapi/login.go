package browserapi

import (
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/signin"
)

// postLogin is POST /login: by the page's script in JSON, or by the form of a portal
// that initiates the sign-in.
func (h *handler) postLogin(c *authn.Request) error {
	if signin.IsForm(c.R) {
		return h.signIn.InitiatedForm(c)
	}
	return authn.Answer(h.signIn.LoginByKey)(c)
}
