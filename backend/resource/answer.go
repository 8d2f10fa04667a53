package resource

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/token"
)

// HeaderOrganization is the response header with the id of the token's organization,
// never of the resource's. A client compares it with the organization that it asked for.
const HeaderOrganization = "Tabard-Organization"

// answer is the response to a request with an authentic token. It names the token's
// organization, is not stored unless the handler says so, and has ETags of the
// organization and person alone: a cache that knows one address from another, and not
// one token from another, then serves no body of another organization.
type answer struct {
	http.ResponseWriter
	claims *token.Claims
	marked bool
}

// mark completes the header, once, before it is sent.
func (a *answer) mark() {
	if a.marked {
		return
	}
	a.marked = true
	header := a.Header()
	header.Set(HeaderOrganization, a.claims.OrganizationID)
	header.Add("Access-Control-Expose-Headers", HeaderOrganization)
	switch kept := header.Get("Cache-Control"); {
	case kept == "":
		header.Set("Cache-Control", "no-store")
	case !strings.Contains(kept, "no-store"):
		header.Add("Vary", "Authorization")
	}
	tagETags(header, ownerOf(a.claims))
}

// WriteHeader implements [http.ResponseWriter]. An informational response is followed by
// the answer.
func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		a.mark()
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.mark()
	return a.ResponseWriter.Write(p)
}

// ReadFrom implements [io.ReaderFrom], so that files are sent by the kernel.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.mark()
	return io.Copy(a.ResponseWriter, r)
}

// Flush implements [http.Flusher].
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError flushes as [http.ResponseController.Flush] does.
func (a *answer) FlushError() error {
	a.mark()
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker]. What the handler writes then is its own.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
