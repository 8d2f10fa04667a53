// Package probe shows how a request of a browser's passes between the public URL and a
// replica: which of its headers arrive, which of the answer's come back, which address
// counts as the client, and the time there. Only a client with the workspace's secret is
// answered. The answer repeats no part of the request.
package probe

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/web"
)

// Path is the path of the probe below the backend's base URL.
const Path = "/probe"

// life is how long a probe is answered, in seconds. It exceeds any difference of clocks,
// which the probe is to find.
const life = 24 * 3600

// Probe is one request with known headers, and the answer that it should get.
type Probe struct {
	marker string // of this probe alone
	at     int64
	mac    string
	origin string // of the public URL
	host   string // its host and port
	mark   string // of cookies
	kind   Kind
	wait   time.Duration // of a slow one
}

// Kind is the property of a request that a probe tries beside its headers.
type Kind string

// The kinds.
const (
	Plain Kind = ""
	// Failing is answered with the status of a refusal.
	Failing Kind = "failing"
	// Full is as large as a browser's request gets, and so is its answer.
	Full Kind = "full"
	// Linked has addresses in its query, as a link to a sign-in and the provider's
	// answer have, and a server's key; its answer leads on, as a sign-in's does.
	Linked Kind = "linked"
	// Foreign claims to come from a page of another site, and from an address of its own
	// choice.
	Foreign Kind = "foreign"
	// Slow is answered after a time that it names.
	Slow Kind = "slow"
)

// HeaderQuery repeats the query of a probe that was not answered, to find a proxy that
// loses it.
const HeaderQuery = "Tabard-Probe"

// Query is the name of the request's query in a report.
const Query = "query"

// ForgedAddress is the address that a foreign probe claims to come from. It is for
// documentation (RFC 5737): no client has it.
const ForgedAddress = "192.0.2.77"

// Server has the settings that a probe and its answer follow from.
type Server struct {
	PublicURL  string
	CookieMark string // "" follows from PublicURL
	Secret     signingkey.Secret
}

// New returns a probe of a kind that is sent now, in Unix seconds.
func (s Server) New(now int64, kind Kind) (Probe, error) {
	marker := strings.ToLower(rand.Text())
	p, err := s.probe(marker, now, mac(s.Secret.Derive(signingkey.ForProbes)[0], marker, now))
	p.kind = kind
	return p, err
}

// NewSlow returns a probe that is answered after a time.
func (s Server) NewSlow(now int64, wait time.Duration) (Probe, error) {
	p, err := s.New(now, Slow)
	p.wait = wait
	return p, err
}

func (s Server) probe(marker string, at int64, mac string) (Probe, error) {
	public, err := publicurl.Parse(s.PublicURL)
	if err != nil {
		return Probe{}, err
	}
	mark, err := publicurl.ParseCookieMark(s.CookieMark, s.PublicURL)
	return Probe{marker: marker, at: at, mac: mac, origin: public.Scheme + "://" + public.Host, host: public.Host, mark: mark}, err
}

func mac(key []byte, marker string, at int64) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s %d", marker, at)
	return hex.EncodeToString(h.Sum(nil))
}

// read returns the probe that a request is, if its client has the secret.
func (s Server) read(query url.Values, now int64) (Probe, bool) {
	at, err := strconv.ParseInt(query.Get("at"), 10, 64)
	if err != nil || at < now-life || at > now+life {
		return Probe{}, false
	}
	for _, key := range s.Secret.Derive(signingkey.ForProbes) {
		if hmac.Equal([]byte(query.Get("mac")), []byte(mac(key, query.Get("probe"), at))) {
			p, err := s.probe(query.Get("probe"), at, query.Get("mac"))
			for _, kind := range []Kind{Failing, Full, Linked, Foreign, Slow} {
				if query.Has(string(kind)) {
					p.kind = kind
				}
			}
			p.wait, _ = time.ParseDuration(query.Get(string(Slow))) // of others 0
			return p, err == nil
		}
	}
	return Probe{}, false
}

// The sizes of what a browser sends at most, in bytes: the query of a link to a sign-in, a
// proof, and the value of a session's cookie, of which there are twelve.
const (
	fullQuery, fullProof, fullCookie = 2000, 700, 140
	fullSessions                     = 12
)

// Mark is in the names of the cookies that the probe sends.
func (p Probe) Mark() string { return p.mark }

// Query is the query of the probe's address.
func (p Probe) Query() string {
	query := url.Values{"probe": {p.marker}, "at": {strconv.FormatInt(p.at, 10)}, "mac": {p.mac}}
	switch p.kind {
	case Failing:
		query.Set("failing", "1")
	case Full:
		query.Set("full", strings.Repeat("f", fullQuery))
	case Linked:
		query.Set("linked", "1")
		query.Set("return_to", p.origin+"/reports?from=https://other.example/a&q='x'")
		query.Set("iss", "https://id.example.com/realms/product")
	case Foreign:
		query.Set("foreign", "1")
	case Slow:
		query.Set("slow", p.wait.String())
	}
	return query.Encode()
}

// The headers by which a proxy says where a request came from. Forwarded (RFC 7239) is read
// where there is no other.
const HeaderForwardedFor, HeaderForwarded = "X-Forwarded-For", "Forwarded"

// headerSite is the header by which a browser says which page a request comes from.
const headerSite = "Sec-Fetch-Site"

// Header is the headers of the request: each as a browser's or the client's, but worthless.
func (p Probe) Header() http.Header {
	header := http.Header{
		"Cookie":                                 {strings.Join(p.cookies(), "; ")},
		http.CanonicalHeaderKey(api.HeaderProof): {p.padded("e30.e30.", fullProof)},
		headerSite:                               {"same-site"},
		http.CanonicalHeaderKey(api.HeaderClient): {"1"},
		http.CanonicalHeaderKey(api.HeaderTime):   {strconv.FormatInt(p.at, 10)},
		"Origin":                                  {p.origin},
	}
	switch p.kind {
	case Linked:
		header.Set("Authorization", "Bearer "+p.marker)
	case Foreign:
		header.Set("Origin", "https://"+p.marker+".example")
		header.Set(headerSite, "cross-site")
		header.Set(HeaderForwardedFor, ForgedAddress)
		header.Set(HeaderForwarded, "for="+ForgedAddress)
	}
	return header
}

// padded returns a text that only this probe has, in a full one of that length.
func (p Probe) padded(before string, length int) string {
	text := before + p.marker
	if p.kind == Full {
		text += strings.Repeat("0", length-len(text))
	}
	return text
}

// cookies are a session's and a sign-in's, by their names, and in a full probe those of as
// many sessions as a browser may have.
func (p Probe) cookies() []string {
	value := p.padded("", fullCookie)
	all := []string{"__Host-Http-tabard." + p.mark + ".doctor.00000000=" + value, "__Host-Http-tabard-login." + p.mark + "=" + p.marker}
	for i := 1; p.kind == Full && i < fullSessions; i++ {
		all = append(all, fmt.Sprintf("__Host-Http-tabard.%s.doctor.%08d=%s", p.mark, i, value))
	}
	return all
}

// Answer is the headers of the answer. Its cookies are taken away from browsers at once. A
// full one clears all sessions.
func (p Probe) Answer() http.Header {
	const attributes = "; Path=/; Max-Age=0; HttpOnly; Secure; SameSite="
	var set []string
	for i, cookie := range p.cookies() {
		switch name, _, _ := strings.Cut(cookie, "="); i {
		case 0:
			set = append(set, cookie+attributes+"Strict")
		case 1:
			set = append(set, cookie+attributes+"Lax")
		default:
			set = append(set, name+"="+attributes+"Strict")
		}
	}
	header := http.Header{
		"Set-Cookie":                             set,
		http.CanonicalHeaderKey(api.HeaderNonce): {p.marker},
		"Retry-After":                            {retryAfter},
	}
	if p.kind == Linked {
		header.Set("Location", "https://id."+p.marker+".example/authorize?redirect_uri="+url.QueryEscape(p.origin))
		header.Set("WWW-Authenticate", `DPoP error="`+p.marker+`"`)
	}
	return header
}

// retryAfter is a time that no proxy would say of itself.
const retryAfter = "17"

// StatusFailing is the status of an answer that fails: proxies do not ask another server
// because of it.
const StatusFailing = http.StatusTooManyRequests

// Report is a replica's answer.
type Report struct {
	Replica string `json:"replica"`
	// Time is in Unix milliseconds.
	Time int64 `json:"time"`
	// Serial is another one in each answer. Kind is the probe's, which releases before
	// this one do not tell.
	Serial string `json:"serial"`
	Kind   Kind   `json:"kind"`
	// Mark is in the names of the replica's cookies, and Protocol the request's version of
	// HTTP there. Releases before this one tell neither.
	Mark     string `json:"mark"`
	Protocol string `json:"protocol"`
	// Arrived and Changed are the names of the request's headers that came as they were
	// sent, and otherwise. The rest did not come.
	Arrived []string `json:"arrived"`
	Changed []string `json:"changed"`
	Way
}

// Way is how a request came, as a host judges it.
type Way struct {
	// Sender is the address that sent the request to the replica, and Client the one that
	// it takes for its client.
	Sender string `json:"sender"`
	Client string `json:"client"`
	// Trusted reports whether the sender is a trusted proxy.
	Trusted bool `json:"trusted"`
	// ForwardedFor reports whether X-Forwarded-For came, or Forwarded with an address, and
	// Forwarded whether any header of proxies did.
	ForwardedFor bool `json:"forwarded_for"`
	Forwarded    bool `json:"forwarded"`
	// Further is how many addresses X-Forwarded-For has before the client's.
	Further int `json:"further"`
	// Unread reports whether X-Forwarded-For has something other than an address where
	// the client's should be.
	Unread bool `json:"unread"`
	// TrustsAll reports whether every address is that of a trusted proxy.
	TrustsAll bool `json:"trusts_all"`
}

// longestWait is how long the answer to a slow probe takes at most.
const longestWait = 25 * time.Second

// Answerer answers probes.
type Answerer struct {
	Server
	Replica string
	Now     func() time.Time
}

// Answer answers a request, and reports whether it did: for strangers the address does not
// exist.
func (a Answerer) Answer(w http.ResponseWriter, r *http.Request, way Way) bool {
	p, ok := a.readRequest(r)
	if !ok {
		return false
	}
	if !rest(r.Context(), min(p.wait, longestWait)) {
		return true // the client left
	}
	report := Report{Replica: a.Replica, Time: a.Now().UnixMilli(), Serial: rand.Text(), Kind: p.kind, Mark: p.mark, Protocol: r.Proto, Way: way}
	if r.Host != p.host {
		report.Changed = append(report.Changed, "Host")
	}
	if r.URL.Query().Encode() != p.Query() {
		report.Changed = append(report.Changed, Query)
	}
	for name, want := range p.Header() {
		switch values := r.Header[name]; {
		case same(name, values, want):
			report.Arrived = append(report.Arrived, name)
		case len(values) > 0:
			report.Changed = append(report.Changed, name)
		}
	}
	web.Secure(w.Header(), strings.HasPrefix(p.origin, "https:"))
	for name, values := range p.Answer() {
		w.Header()[name] = values
	}
	status := http.StatusOK
	if p.kind == Failing {
		status = StatusFailing
	}
	web.WriteJSON(w, status, report)
	return true
}

// readRequest returns the probe that a request is, by its query or by the header that
// repeats it.
func (a Answerer) readRequest(r *http.Request) (Probe, bool) {
	now := a.Now().Unix()
	if p, ok := a.read(r.URL.Query(), now); ok {
		return p, true
	}
	query, err := url.ParseQuery(r.Header.Get(HeaderQuery))
	if err != nil {
		return Probe{}, false
	}
	return a.read(query, now)
}

// rest waits, and reports whether the client is still there.
func rest(ctx context.Context, wait time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

// same reports whether a header came as it was sent. HTTP/2 may send cookies one by one,
// and a proxy may add its own.
func same(name string, got, want []string) bool {
	if name != "Cookie" {
		return len(got) == 1 && got[0] == want[0]
	}
	all := "; " + strings.Join(got, "; ") + ";"
	for cookie := range strings.SplitSeq(want[0], "; ") {
		if !strings.Contains(all, " "+cookie+";") {
			return false
		}
	}
	return true
}
