package httpapi

import (
	"fmt"
	"html"
	"strings"

	"github.com/tabard-auth/tabard/backend/refusal"
)

// page tells that a person is looking: a navigation of /login, /callback or
// /handover/code.
func (c *call) page() bool {
	form := c.r.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
	return (c.reading() || form) && strings.Contains(c.r.Header.Get("Accept"), "text/html")
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
func (c *call) sorry(r *refusal.Refusal) {
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(r.HTTPStatus())
	c.record.status = r.HTTPStatus()
	fmt.Fprintf(c.w, sorryPage, html.EscapeString(r.Text), html.EscapeString(string(r.Code)))
}
