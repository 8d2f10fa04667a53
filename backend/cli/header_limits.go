package cli

import (
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// maxHeader is the largest header that the server reads, in bytes. net/http refuses a
// larger one by a line of text. It is wider than the limits of web.CheckHeader, so that
// people get the page of the browser's endpoints.
const maxHeader = 128 << 10

// boundHeader refuses requests with too large a header, except people's navigations.
func boundHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := web.CheckHeader(r)
		if err == nil || r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
			next.ServeHTTP(w, r)
			return
		}
		refused := refusal.From(err)
		http.Error(w, refused.Text, refused.HTTPStatus())
	})
}
