package host

import (
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// MaxHeader is the largest header that a server or a Worker reads, in bytes. It refuses a
// larger one by a line of text. It is wider than the limits of web.CheckHeader, so that
// people get the page of the browser's endpoints.
const MaxHeader = 128 << 10

// BoundHeader refuses requests with too large a header, except people's navigations.
func BoundHeader(next http.Handler) http.Handler {
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
