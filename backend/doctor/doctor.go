// Package doctor examines, from the machine it runs on, whether a deployment will work:
// provider, database, keys, public address, origins and cookies. It changes nothing and
// gives advice on each finding.
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/secrets"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
)

// Level is the severity of a finding.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Look    Level = "look"    // cannot be checked from here: check by hand
	Warning Level = "warning" // works, or will, but not as well as it should
	Problem Level = "problem" // something does not work
)

// Finding is the result of one check.
type Finding struct {
	// Subject is the part of the deployment: provider, connections, domains, database, disk, keys, secret, audit exports, metrics,
	// public address, readiness, origins, proxy, cookies, clock or settings.
	Subject string `json:"subject"`
	Level   Level  `json:"level"`
	// Text is the result, Advice is how to fix it.
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"`
}

// Config describes the deployment. Checks of parts that are not set are skipped.
type Config struct {
	PublicURL string
	// CookieMark is in the names of cookies; "" follows from PublicURL.
	CookieMark string
	Provider   login.Config
	// Database inspects the database. Nil if the database is not known.
	Database func(ctx context.Context) (*inspect.Database, error)
	// Secret is nil if the first start will make one.
	Secret    *signingkey.Secret
	Algorithm signingkey.Algorithm
	// KeyLife is how long a signing key signs. 0 means until a command.
	KeyLife time.Duration
	// EchoURL is an address on the app's own host, outside the backend's mount, that
	// answers with the headers it received, or "".
	EchoURL string
	// Slow is how long an answer takes for which the proxy has to wait. 0 does not try.
	Slow time.Duration
	// Transport sends the requests.
	Transport http.RoundTripper
	// Tenants sends the requests to organizations' own providers. Nil asks none of them.
	Tenants http.RoundTripper
	// Resolver looks up the hosts of backend and apps, and TXT the records of domains. Nil
	// looks up none.
	Resolver Resolver
	TXT      domain.Resolver
	// Now is the time in Unix seconds.
	Now int64
}

// timeout limits each request, and all database queries together.
const timeout = 10 * time.Second

// Examine runs the checks.
func Examine(ctx context.Context, c Config) []Finding {
	e := &examination{Config: c, begun: time.Now(), unanswered: map[string]int{}, http: &http.Client{
		Transport: c.Transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if c.Provider.Issuer != "" {
		e.provider(ctx)
	}
	if c.Database != nil {
		e.database(ctx)
	}
	if public, err := url.Parse(c.PublicURL); err == nil && public.Host != "" {
		e.public(ctx, public)
		e.cookies(ctx, public)
	}
	return e.findings
}

// public checks the public URL and the way from there to the replicas. The way is examined
// first, and reported last: checks that errors replaced on it would mislead are left out.
func (e *examination) public(ctx context.Context, public *url.URL) {
	reached := e.publicAddress(ctx)
	var ready, way []Finding
	if reached {
		ready = e.aside(func() { e.ready(ctx) })
		way = e.aside(func() { e.way(ctx) })
	}
	e.origins(ctx, public, reached && !e.replaced)
	e.findings = append(e.findings, ready...)
	if reached {
		e.withoutTLS(ctx, public)
		e.routes(ctx)
	}
	e.findings = append(e.findings, way...)
}

// aside returns the findings of checks instead of adding them.
func (e *examination) aside(check func()) (findings []Finding) {
	before := e.findings
	e.findings = nil
	check()
	findings, e.findings = e.findings, before
	return findings
}

// examination is a run of the checks.
type examination struct {
	Config
	http     *http.Client
	begun    time.Time
	findings []Finding

	workspace *directory.Workspace // nil if it could not be read
	keyIDs    []string             // of the signing keys in the database
	claims    []string             // that the provider names; nil where it names none

	grantTypes []string          // likewise
	noUserInfo bool              // metadata without userinfo_endpoint were read
	living     []secrets.Replica // that say in the database that they run
	wrongFile  bool              // the replicas have another secret

	asked      int            // probes
	unanswered map[string]int // the outcomes of those that no replica answered
	marks      marks          // of the cookies of those that did
	unready    bool           // the server says that it is not ready
	replaced   bool           // errors do not arrive in the server's words
	releases   bool           // the servers are of more than one release
	forged     string         // the header of clients by which the proxy lets them choose their address
}

func (e *examination) add(subject string, level Level, advice, text string, args ...any) {
	e.findings = append(e.findings, Finding{subject, level, fmt.Sprintf(text, args...), advice})
}

func (e *examination) ok(subject, text string, args ...any) {
	e.add(subject, OK, "", text, args...)
}

// Limits on the difference of clocks, in seconds. Identity tokens from a clock further
// ahead than skewLimit are refused.
const (
	skewNoticed = 5
	skewLimit   = 60
)

// clock checks a clock that is ahead of this machine's by some seconds.
func (e *examination) clock(whose string, ahead int64) {
	const advice = "Keep both clocks by NTP (chrony, systemd-timesyncd)."
	direction, by := "ahead", ahead
	if ahead < 0 {
		direction, by = "behind", -ahead
	}
	switch {
	case by > skewLimit:
		e.add("clock", Problem, advice, "%s clock is %d s %s of this machine's: sign-ins fail", whose, by, direction)
	case by > skewNoticed:
		e.add("clock", Warning, advice, "%s clock is %d s %s of this machine's", whose, by, direction)
	default:
		e.ok("clock", "%s clock agrees with this machine's", whose)
	}
}
