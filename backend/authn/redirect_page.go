package authn

import (
	"fmt"
	"html"
	"net/http"
)

const redirectPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0; url=%[1]s">
<title>Sign-in</title>
<p><a href="%[1]s">Continue</a></p>
</html>
`

// redirectByPage redirects by a page with a meta refresh. The form-action policy of the
// page that posted the request would block an HTTP redirect.
func redirectByPage(c *Request, target string) {
	c.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.W.WriteHeader(http.StatusOK)
	c.Record.Status = http.StatusOK
	fmt.Fprintf(c.W, redirectPage, html.EscapeString(target))
}
