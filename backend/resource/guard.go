// Package resource protects the routes of an API with access tokens: net/http
// middleware over a [token.Verifier]. Only the signed organization decides. A path may
// name the organization too and must then name the same one. Headers, queries and
// cookies never choose one.
package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/token"
)

// Config holds the optional settings of a Guard.
type Config struct {
	// BaseURL precedes a request's path in the address that clients know, such as
	// https://api.example.com. The proofs of bound tokens are compared with it, never
	// with the request's Host. Without it, bound tokens are refused.
	BaseURL string
	// Record is called once for each request, for monitoring. Nil records nothing.
	// [LogTo] returns one.
	Record func(context.Context, Record)
	// Ended reports whether the session or organization session of a valid token has
	// ended since it was minted. Nil accepts the token until it expires.
	// [Follower.Ended] does.
	Ended func(context.Context, *token.Claims) bool
	// Ready returns an error while Ended cannot tell. Then valid tokens are answered with
	// 503. Nil is always ready. [Follower.Ready] is one.
	Ready func() error
}

// Guard lets requests with a valid access token pass.
type Guard struct {
	verifier *token.Verifier
	config   Config
	replays  *dpop.Replays
}

// NewGuard returns a guard for the tokens that a verifier accepts.
func NewGuard(verifier *token.Verifier, c Config) (*Guard, error) {
	if verifier == nil {
		return nil, errors.New("resource: a guard needs a verifier")
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if _, err := dpop.Normalized(c.BaseURL); c.BaseURL != "" && err != nil {
		return nil, fmt.Errorf("resource: BaseURL %q is not an http address", c.BaseURL)
	}
	if c.Record == nil {
		c.Record = func(context.Context, Record) {}
	}
	if c.Ended == nil {
		c.Ended = func(context.Context, *token.Claims) bool { return false }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	g := &Guard{verifier: verifier, config: c}
	g.replays = dpop.NewReplays(proofLife+2*g.leeway(), maxProofs)
	return g, nil
}

// Rule is the condition of access to a route.
type Rule struct {
	// Organization is the name of the path's wildcard that holds the resource's
	// organization, by id or slug: "organization" for
	// "/organizations/{organization}/notes". The router sets it (http.Request's
	// PathValue). If it is not set, every request is refused. Empty lets tokens of
	// every organization pass: the handler serves the token's own ([OrganizationFrom]),
	// or compares it with the organization of the resource ([Match]).
	Organization string
	token.Demand
	// Refuse answers a refused request: it writes what [RefusalOf] says of the error. Nil
	// is [Refuse].
	Refuse func(http.ResponseWriter, *http.Request, error)
}

// Protect passes requests that a rule allows to a handler and refuses the others. Every
// answer to an authentic token carries [HeaderOrganization], readable by pages of other
// origins; Cache-Control: no-store where the handler sets none; and ETags that are of
// the token's organization and person alone. The handler sees its own ETags in
// If-None-Match, If-Match and If-Range.
func (g *Guard) Protect(rule Rule, next http.Handler) http.Handler {
	return g.protect(rule, readToken, next)
}

// reader returns the claims of a request's credential. It returns those of an authentic one
// even if it refuses it.
type reader func(*judgment) (*token.Claims, error)

func readToken(j *judgment) (*token.Claims, error) { return j.guard.inspect(j.request) }

func (g *Guard) protect(rule Rule, read reader, next http.Handler) http.Handler {
	refuse := rule.Refuse
	if refuse == nil {
		refuse = func(w http.ResponseWriter, _ *http.Request, err error) { Refuse(w, err) }
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j, err := g.decide(r, rule, read)
		if j.claims != nil {
			a := &answer{ResponseWriter: w, claims: j.claims}
			defer a.mark() // of an answer without a body
			w = a
		}
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, withOwnConditions(j.admitted(), j.claims))
	})
}

// Admit is Protect without an answer: the caller refuses, and has to keep answers of
// different organizations apart itself. It returns the request with the context that
// [ClaimsFrom], [OrganizationFrom] and [Match] read. Its errors are ErrNoToken and
// [token.Error].
func (g *Guard) Admit(r *http.Request, rule Rule) (*http.Request, error) {
	j, err := g.decide(r, rule, readToken)
	if err != nil {
		return nil, err
	}
	return j.admitted(), nil
}

// decide judges a request and records the result.
func (g *Guard) decide(r *http.Request, rule Rule, read reader) (*judgment, error) {
	j := &judgment{guard: g, request: r, resource: pathValue(r, rule.Organization)}
	err := j.judge(rule, read)
	j.record(err)
	return j, err
}

// pathValue is r.PathValue, which panics for a CONNECT to a path with an empty segment:
// net/http cleans no path of that method. Such a request names no organization.
func pathValue(r *http.Request, name string) (value string) {
	defer func() {
		if recover() != nil {
			value = ""
		}
	}()
	return r.PathValue(name)
}

// judgment is a guard's decision on a request.
type judgment struct {
	guard    *Guard
	request  *http.Request
	claims   *token.Claims // of an authentic token or link, valid or not
	linked   bool          // whether the credential is a link
	resource string        // the resource's organization, as the request names it
}

func (j *judgment) judge(rule Rule, read reader) error {
	var err error
	if j.claims, err = read(j); err != nil {
		return err
	}
	if rule.Organization != "" && !j.claims.Serves(j.resource) {
		return &token.Error{Reason: token.WrongOrganization}
	}
	if err := j.guard.Standing(j.request.Context(), j.claims); err != nil {
		return err
	}
	return j.guard.verifier.Meets(j.claims, rule.Demand)
}

// admitted returns the request with the judgment in its context.
func (j *judgment) admitted() *http.Request {
	return j.request.WithContext(context.WithValue(j.request.Context(), admission{}, j))
}

type admission struct{}

func admitted(ctx context.Context) *judgment {
	j, _ := ctx.Value(admission{}).(*judgment)
	return j
}

// ClaimsFrom returns the claims of a request that a guard let pass, and nil in any
// other context.
func ClaimsFrom(ctx context.Context) *token.Claims {
	if j := admitted(ctx); j != nil {
		return j.claims
	}
	return nil
}

// OrganizationFrom returns the id of the organization that the request acts for. It
// returns "" if no guard let the request pass, so that a query by it finds no rows.
func OrganizationFrom(ctx context.Context) string {
	if claims := ClaimsFrom(ctx); claims != nil {
		return claims.OrganizationID
	}
	return ""
}

// Match compares the organization of a resource, by id, with the one that the request
// acts for. It is for resources whose organization is known only after they were read.
// A mismatch is an error for Refuse and is recorded as an alarm.
func Match(ctx context.Context, organizationID string) error {
	j := admitted(ctx)
	if j != nil && organizationID != "" && organizationID == j.claims.OrganizationID {
		return nil
	}
	err := &token.Error{Reason: token.WrongOrganization}
	if j != nil {
		found := *j
		found.resource = organizationID
		found.record(err)
	}
	return err
}
