package signin

import (
	"net/http"
	"net/url"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// CallbackPost is POST /callback, to which the browser posts the answer of a provider that
// uses form_post (OAuth 2.0 Form Post Response Mode). It comes without the attempt's Lax
// cookie, for another site's page posts it: the page that it gets posts the same fields
// once more, from here.
func (f *Flow) CallbackPost(c *authn.Request) error {
	if err := c.CheckNavigation(); err != nil {
		return err
	}
	if err := web.ReadForm(c.W, c.R); err != nil {
		return refusal.New(api.InvalidRequest, "The provider's answer is too large or malformed.").WithCause(err)
	}
	answer := url.Values{}
	for _, name := range responseFields {
		if values, ok := c.R.PostForm[name]; ok {
			answer[name] = values
		}
	}
	if !c.SameOrigin() {
		repost(c, answer)
		return nil
	}
	c.Posted, c.R.URL.RawQuery = true, answer.Encode()
	return f.Callback(c)
}

// responseFields are the fields of an authorization response that are read (RFC 6749 section
// 4.1.2, RFC 9207).
var responseFields = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

// repost answers with the page that posts the fields to its own address.
func repost(c *authn.Request, answer url.Values) {
	p := page.Page{Kind: page.Returning, Status: http.StatusOK, Form: []page.Field{}}
	for _, name := range responseFields {
		for _, value := range answer[name] {
			p.Form = append(p.Form, page.Field{Name: name, Value: value})
		}
	}
	c.WritePage(p)
}
