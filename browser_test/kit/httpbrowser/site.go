package httpbrowser

import (
	"net/http"
	"net/url"
	"strings"
)

// initiation is how a request was initiated.
type initiation struct {
	navigation bool
	from       *url.URL   // the initiator; nil where a person typed the address
	via        []*url.URL // the URLs that redirected to it
}

// site returns Sec-Fetch-Site: the most distant relation among the initiator and the
// redirects.
func (s initiation) site(to *url.URL) string {
	if s.from == nil && len(s.via) == 0 {
		return "none"
	}
	worst := "none"
	if s.from != nil {
		worst = relation(s.from, to)
	}
	for _, u := range s.via {
		if r := relation(u, to); rank[r] > rank[worst] && s.from != nil {
			worst = r
		}
	}
	return worst
}

var rank = map[string]int{"none": 0, "same-origin": 1, "same-site": 2, "cross-site": 3}

func relation(from, to *url.URL) string {
	switch {
	case origin(from) == origin(to):
		return "same-origin"
	case site(from) == site(to):
		return "same-site"
	}
	return "cross-site"
}

// allows reports whether a request carries a cookie with this SameSite. As in current
// browsers, redirects on the way are not considered.
func (s initiation) allows(c http.SameSite, to *url.URL, method string) bool {
	if s.from == nil || site(s.from) == site(to) {
		return true
	}
	switch c {
	case http.SameSiteStrictMode:
		return false
	case http.SameSiteNoneMode:
		return true
	}
	return s.navigation && reads(method)
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// site returns the scheme and the registrable domain of a URL. It knows hosts below
// localhost (each a site of its own), addresses, and names under one label such as com.
func site(u *url.URL) string {
	host := u.Hostname()
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if len(labels) > 2 && !strings.ContainsAny(last, "0123456789:") {
		host = strings.Join(labels[len(labels)-2:], ".")
	}
	return u.Scheme + "://" + host
}
