package edge

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxHead is the most bytes of a request's address and headers. A handler has lower limits
// of its own, with pages for people.
const maxHead = 128 << 10

// requestError refuses a request that cannot be given to a handler.
type requestError struct {
	status int
	text   string
}

func (e *requestError) Error() string { return e.text }

// newRequest makes of a head the request that net/http's server would. The head's
// lines are: the method, the URL, the client's address, then one line "name: value"
// a header. The platform joins repeated headers by ", ".
func newRequest(ctx context.Context, head string, body []byte) (*http.Request, *requestError) {
	if len(head) > maxHead {
		return nil, &requestError{http.StatusRequestHeaderFieldsTooLarge, "The headers are too large."}
	}
	lines := strings.Split(head, "\n")
	if len(lines) < 3 {
		return nil, &requestError{http.StatusBadRequest, "The request is malformed."}
	}
	address, err := url.Parse(lines[1])
	if err != nil {
		return nil, &requestError{http.StatusBadRequest, "The address is malformed."}
	}
	r := (&http.Request{
		Method: lines[0], RequestURI: address.RequestURI(), Host: address.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: headerOf(lines[3:]), Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}).WithContext(ctx)
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	if ip := net.ParseIP(lines[2]); ip != nil {
		r.RemoteAddr = net.JoinHostPort(lines[2], "0") // the platform gives no port
	}
	r.Header.Del("Host")
	address.Scheme, address.Host, address.Fragment = "", "", ""
	r.URL = address
	return r, nil
}

func headerOf(lines []string) http.Header {
	h := make(http.Header, len(lines))
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}
