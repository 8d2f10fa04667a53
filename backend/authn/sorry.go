package authn

import (
	"fmt"
	"html"
	"strings"

	"github.com/tabard-auth/tabard/backend/refusal"
)

// page tells that a person is looking: a navigation of /login, /callback or
// /handover/code.
func (c *exchange) page() bool {
	form := c.R.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
	return (c.Reading() || form) && strings.Contains(c.R.Header.Get("Accept"), "text/html")
}

const sorryPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Sign-in</title>
<h1>This did not work</h1>
<p>%s</p>
<p><small>%s</small></p>
</html>
`

// sorry answers a person with a page.
func (c *exchange) sorry(r *refusal.Refusal) {
	c.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.W.WriteHeader(r.HTTPStatus())
	c.Record.Status = r.HTTPStatus()
	fmt.Fprintf(c.W, sorryPage, html.EscapeString(r.Text), html.EscapeString(string(r.Code)))
}
