package httpbrowser

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// jar keeps cookies in the order of their creation. One with a Domain is refused: no
// part of the product may set one. Tabs of one browser use it at the same time.
type jar struct {
	mu      sync.Mutex
	cookies []stored
}

type stored struct {
	*http.Cookie
	host string
	ends time.Time // zero: with the browser
}

func (j *jar) keep(from *url.URL, c *http.Cookie, now time.Time) {
	if !acceptable(from, c) {
		return
	}
	if c.Path == "" {
		c.Path = "/"
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	at := slices.IndexFunc(j.cookies, func(s stored) bool {
		return s.host == from.Hostname() && s.Name == c.Name && s.Path == c.Path
	})
	kept := stored{Cookie: c, host: from.Hostname(), ends: end(c, now)}
	switch gone := !kept.ends.IsZero() && !kept.ends.After(now); {
	case gone && at >= 0:
		j.cookies = slices.Delete(j.cookies, at, at+1)
	case gone:
	case at >= 0:
		j.cookies[at] = kept
	default:
		j.cookies = append(j.cookies, kept)
	}
}

func end(c *http.Cookie, now time.Time) time.Time {
	switch {
	case c.MaxAge < 0:
		return now
	case c.MaxAge > 0:
		return now.Add(time.Duration(c.MaxAge) * time.Second)
	}
	return c.Expires
}

// acceptable reports whether a cookie meets the limits of RFC 6265bis section 5.7 on
// size, Secure and prefixed names.
func acceptable(from *url.URL, c *http.Cookie) bool {
	name := strings.ToLower(c.Name)
	ofHost, ofHTTP := strings.HasPrefix(name, "__host-"), strings.HasPrefix(name, "__host-http-")
	switch {
	case c.Domain != "",
		len(c.Name)+len(c.Value) > 4096,
		c.Secure && !trustworthy(from),
		ofHost && (!c.Secure || c.Path != "/"),
		ofHTTP && !c.HttpOnly:
		return false
	}
	return true
}

func trustworthy(u *url.URL) bool {
	host := u.Hostname()
	return u.Scheme == "https" || host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1"
}

// all returns a copy of the cookies.
func (j *jar) all() []stored {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.cookies)
}

// cookiesFor returns the cookies that a request carries.
func (j *jar) cookiesFor(to *url.URL, s initiation, method string, now time.Time) []*http.Cookie {
	var all []*http.Cookie
	for _, c := range j.all() {
		live := c.ends.IsZero() || c.ends.After(now)
		near := c.host == to.Hostname() && (c.Path == "/" || to.Path == c.Path || strings.HasPrefix(to.Path, c.Path+"/"))
		if live && near && (!c.Secure || trustworthy(to)) && s.allows(c.SameSite, to, method) {
			all = append(all, &http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return all
}

// Cookies returns the cookies of the backend's host, by name.
func (b *Browser) Cookies() map[string]string {
	all := map[string]string{}
	for _, c := range b.jar.all() {
		live := c.ends.IsZero() || c.ends.After(b.Now())
		if live && c.host == b.parse(b.backend).Hostname() {
			all[c.Name] = c.Value
		}
	}
	return all
}

// SetCookie sets a cookie of the backend's host, or removes it if the value is "". A
// page cannot do that to a __Host-Http- cookie: the method simulates a theft, a crash
// or a bug.
func (b *Browser) SetCookie(name, value string) {
	b.t.Helper()
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	b.jar.keep(b.parse(b.backend), c, b.Now())
}
