package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// CallbackPost is POST /callback for providers that use form_post (OAuth 2.0 Form Post
// Response Mode). A post from the provider's page carries no Lax cookie, so that the
// browser value is missing. The answer is a page that posts the same fields again from
// the backend's own origin.
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

// responseFields are the fields of an authorization response (RFC 6749 section 4.1.2,
// RFC 9207).
var responseFields = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

const submitScript = "document.forms[0].submit()"

const repostPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Sign-in</title>
<form method="post">
%s<button>Continue</button>
</form>
<script>` + submitScript + `</script>
</html>
`

// repost answers with a page that posts the fields again to the same address. Its
// policy allows one script and forms to the backend only.
func repost(c *authn.Request, answer url.Values) {
	sum := sha256.Sum256([]byte(submitScript))
	h := c.W.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; script-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer the form's Origin would be null
	h.Set("Content-Type", "text/html; charset=utf-8")
	c.W.WriteHeader(http.StatusOK)
	c.Record.Status = http.StatusOK
	var fields strings.Builder
	for _, name := range responseFields {
		for _, value := range answer[name] {
			fmt.Fprintf(&fields, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", name, html.EscapeString(value))
		}
	}
	fmt.Fprintf(c.W, repostPage, &fields)
}
