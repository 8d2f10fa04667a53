// Package trace tells requests apart: each has an id, which is answered and logged, and
// belongs to a trace (W3C Trace Context), which is passed on to OpenID providers.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"time"
)

// HeaderRequestID is the header of a request's id. A proxy may set it.
const HeaderRequestID = "X-Request-Id"

const headerParent = "Traceparent"

// exchange is what is known of a request beside its content.
type exchange struct {
	id     string
	parent parent
	client string // network address, without a port
	begun  time.Time
}

// contextKey is the context key of an exchange.
type contextKey struct{}

func of(ctx context.Context) *exchange {
	e, _ := ctx.Value(contextKey{}).(*exchange)
	return e
}

// Handler gives each request an id and a trace: those that it names, or new ones where
// they are missing, repeated or malformed.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{client: r.RemoteAddr, begun: time.Now()}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			e.client = host
		}
		var given bool
		if e.id, given = single(r.Header, HeaderRequestID); !given || !validID(e.id) {
			e.id = random(16)
		}
		text, _ := single(r.Header, headerParent)
		e.parent = parseParent(text)
		w.Header().Set(HeaderRequestID, e.id)
		own := r.WithContext(context.WithValue(r.Context(), contextKey{}, e))
		next.ServeHTTP(w, own)
		r.Pattern = own.Pattern // as if the request had been passed on itself
	})
}

func single(h http.Header, name string) (value string, given bool) {
	values := h[name]
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// maxID is the longest id that is taken over.
const maxID = 128

// validID reports whether an id has the characters of those that proxies make: UUIDs,
// hexadecimal, base64, and fields with separators.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:/+=@|~", c)
	}) < 0
}

// random returns n random bytes in hexadecimal, which are never all zero.
func random(n int) string {
	b := make([]byte, n)
	for {
		rand.Read(b)
		if text := hex.EncodeToString(b); strings.Trim(text, "0") != "" {
			return text
		}
	}
}
