package trace

import (
	"net/http"
	"strings"
)

// parent is a place in a trace (https://www.w3.org/TR/trace-context/#traceparent-header).
type parent struct {
	trace string // 32 hexadecimal digits
	flags string // 2 hexadecimal digits
}

// parseParent returns the trace that a traceparent header names, or a new one. Of a later
// version the fields of the first count, as the standard demands.
func parseParent(text string) parent {
	fields := strings.SplitN(text, "-", 5)
	if len(fields) < 4 || fields[0] == "ff" || fields[0] == "00" && len(fields) > 4 ||
		!hexadecimal(fields[0], 2) || !named(fields[1], 32) || !named(fields[2], 16) || !hexadecimal(fields[3], 2) {
		return parent{random(16), "00"}
	}
	return parent{fields[1], fields[3]}
}

func hexadecimal(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

// named reports whether a field is an id: zeros are none.
func named(text string, digits int) bool {
	return hexadecimal(text, digits) && strings.Trim(text, "0") != ""
}

// next returns the header for a request that follows. Of the flags, only those of the first
// version are passed on.
func (p parent) next() string {
	sampled := "00"
	if strings.IndexByte("13579bdf", p.flags[1]) >= 0 {
		sampled = "01"
	}
	return "00-" + p.trace + "-" + random(8) + "-" + sampled
}

// Transport returns a transport that passes on the trace of the request during which it is
// used. The state that vendors keep in a trace is not passed on: providers are strangers.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if e := of(r.Context()); e != nil {
		r = r.Clone(r.Context())
		r.Header.Set(headerParent, e.parent.next())
	}
	return t.next.RoundTrip(r)
}
