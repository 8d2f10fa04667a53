package signin

import (
	"net/http"
	"net/url"

	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/web"
)

// CallbackPost is POST /callback for providers that use form_post (OAuth 2.0 Form Post
// Response Mode). A post from the provider's page carries no Lax cookie, so that the
// browser value is missing. The answer is a page that posts the same fields again from
// the backend's own origin. It marks them, since not every browser says which page posts
// a form, and the page must not post for ever. A mark that a foreign page sets leads to
// what the same answer by GET would: a callback without the browser value.
func (f *Flow) CallbackPost(c *authn.Request) error {
	if err := c.CheckNavigation(); err != nil {
		return err
	}
	if err := web.ReadForm(c.W, c.R, maxAnswer); err != nil {
		return err
	}
	answer := pick(c.R.PostForm)
	if !c.SameOrigin() && !c.R.PostForm.Has(Reposted) {
		repost(c, answer)
		return nil
	}
	c.Posted, c.R.URL.RawQuery = true, answer.Encode()
	return f.Callback(c)
}

// maxAnswer is the maximum size of a posted answer, in bytes. Some providers post an identity
// token or what they know of the person beside the code.
const maxAnswer = 128 << 10

// Reposted is the field that marks fields that the page has posted again.
const Reposted = "tabard_reposted"

// responseFields are the fields of an authorization response (RFC 6749 section 4.1.2,
// RFC 9207).
var responseFields = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

// pick returns the fields of an authorization response among others, which are ignored
// (RFC 6749 section 4.1.2).
func pick(all url.Values) url.Values {
	answer := url.Values{}
	for _, name := range responseFields {
		if values, ok := all[name]; ok {
			answer[name] = values
		}
	}
	return answer
}

// repost answers with a page that posts the fields again to the same address.
func repost(c *authn.Request, answer url.Values) {
	p := page.Page{Kind: page.Returning, Status: http.StatusOK, Form: []page.Field{}}
	for _, name := range responseFields {
		for _, value := range answer[name] {
			p.Form = append(p.Form, page.Field{Name: name, Value: value})
		}
	}
	p.Form = append(p.Form, page.Field{Name: Reposted, Value: "1"})
	c.WritePage(p)
}
