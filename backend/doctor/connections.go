package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	connections = "connections"
	domains     = "domains"

	// maxConnections and maxDomains limit how many are examined: each takes requests to
	// others.
	maxConnections, maxDomains = 50, 200
	// examinedAtOnce limits how many are examined at once: one that does not answer holds the
	// others up by no more than its own time limits.
	examinedAtOnce = 8

	day = 24 * 60 * 60
)

// connectionStore is the part of the database with connections and domains.
type connectionStore interface {
	EnabledConnections(ctx context.Context, after string, limit int) ([]directory.Connection, error)
	CountProviderTokens(ctx context.Context, connection string, since int64) (sessions, tokens int, err error)
	DueDomains(ctx context.Context, answered, tried int64, limit int) ([]directory.Domain, error)
}

// connections checks organizations' own providers as far as a sign-in there needs them.
func (e *examination) connections(ctx context.Context, store connectionStore) {
	all, err := store.EnabledConnections(ctx, "", maxConnections+1)
	if err != nil {
		e.add(connections, Problem, "Check the database.", "they cannot be read: %v", err)
		return
	}
	if len(all) > maxConnections {
		all = all[:maxConnections]
		e.add(connections, Look, "Sign in at the others.", "only %d of the enabled ones were examined, the first by their ids", maxConnections)
	}
	enabled := map[string]bool{}
	for _, c := range all {
		enabled[c.OrganizationID] = true
	}
	inside := *e.http
	inside.Transport = e.Tenants
	e.each(len(all), func(one *examination, i int) {
		one.http = &inside
		one.connection(ctx, store, all[i])
	})
	e.domains(ctx, store, enabled, len(all) == maxConnections)
}

// each runs n checks, some at once, and adds what they find in their order.
func (e *examination) each(n int, check func(one *examination, i int)) {
	parts := make([]*examination, n)
	places := make(chan struct{}, examinedAtOnce)
	var all sync.WaitGroup
	for i := range parts {
		parts[i] = &examination{Config: e.Config, http: e.http, begun: e.begun}
		places <- struct{}{}
		all.Go(func() {
			check(parts[i], i)
			<-places
		})
	}
	all.Wait()
	for _, part := range parts {
		e.findings = append(e.findings, part.findings...)
	}
}

// connection checks one connection.
func (e *examination) connection(ctx context.Context, store connectionStore, c directory.Connection) {
	add := e.addOf(c)
	var m metadata
	a, err := e.getJSON(ctx, strings.TrimSuffix(c.Issuer, "/")+"/.well-known/openid-configuration", &m)
	if a != nil {
		if ahead, ok := a.ahead(e.Now); ok && max(ahead, -ahead) > skewNoticed {
			e.clock("connection "+c.ID+": the provider's", ahead)
		}
	}
	switch {
	case err != nil:
		add(connections, Problem, "Ask the organization whether its provider has moved, and see that this machine reaches it.", "the metadata of %s cannot be read: %v", c.Issuer, err)
		return
	case string(m.Issuer) != c.Issuer:
		add(connections, Problem, "A connection's issuer cannot change: make another connection, with the provider's own name as issuer.", "%s names itself %q", c.Issuer, m.Issuer)
		return
	}
	before := len(e.findings)
	e.connectionMetadata(ctx, add, c, m)
	e.connectionTokens(ctx, store, add, c, m)
	e.connectionClient(ctx, add, c)
	if !slices.ContainsFunc(e.findings[before:], func(f Finding) bool { return f.Level != OK }) {
		e.findings = append(e.findings[:before], Finding{Subject: connections, Level: OK, Text: c.ID + ": " + c.Issuer + " answers, and accepts the client"})
	}
}

// addOf returns a function that adds findings about a connection.
func (e *examination) addOf(c directory.Connection) func(string, Level, string, string, ...any) {
	return func(_ string, level Level, advice, text string, args ...any) {
		e.add(connections, level, advice, "%s: %s", c.ID, fmt.Sprintf(text, args...))
	}
}

// connectionMetadata checks what a connection needs of its provider's metadata.
func (e *examination) connectionMetadata(ctx context.Context, add func(string, Level, string, string, ...any), c directory.Connection, m metadata) {
	if len(m.Challenges) > 0 && !slices.Contains(m.Challenges, "S256") {
		add(connections, Problem, "Have the S256 code challenge allowed at the provider.", "it supports PKCE only with %s, not with S256", strings.Join(m.Challenges, ", "))
	}
	if c.Provisioning.ClaimSource == directory.FromUserInfo && m.UserInfo == "" {
		add(connections, Problem, "Have the provider serve userinfo, or put the claim into its identity tokens and set claim_source: id_token.",
			"its metadata have no userinfo_endpoint, and the connection has claim_source: userinfo")
	}
	var body json.RawMessage
	_, err := e.getJSON(ctx, string(m.KeySet), &body)
	var set login.KeySet
	if err == nil {
		set, err = login.ReadKeySet(body)
	}
	if err != nil || len(set.Keys) == 0 {
		add(connections, Problem, "Without its keys no sign-in can be checked.", "its key set (%s) has no key that can be read: %v", m.KeySet, err)
	}
}

// connectionTokens checks that a connection that is revalidated gets refresh tokens.
func (e *examination) connectionTokens(ctx context.Context, store connectionStore, add func(string, Level, string, string, ...any), c directory.Connection, m metadata) {
	if c.Revalidate == 0 {
		return
	}
	switch {
	case m.GrantTypes != nil && !slices.Contains(m.GrantTypes, "refresh_token"):
		add(connections, Problem, "Have the provider issue refresh tokens to this client (grant type refresh_token), or remove revalidate.",
			"its metadata do not name refresh_token among its grant types (grant_types_supported), and the connection has revalidate: it cannot be asked whether it still knows the people")
	case m.Scopes != nil && !slices.Contains(m.Scopes, "offline_access") && !login.IsGoogle(c.Issuer):
		add(connections, Look, "See after a sign-in whether this finding gives way to another one. Most providers issue refresh tokens for the scope offline_access alone.",
			"its metadata do not name the scope offline_access (scopes_supported), so it is not requested, and the connection has revalidate")
	}
	sessions, tokens, err := store.CountProviderTokens(ctx, c.ID, e.Now-day)
	if err == nil && sessions > 0 && tokens == 0 {
		add(connections, Problem, "Allow this client the grant refresh_token and the scope offline_access at the provider, or remove revalidate.",
			noTokens+"the connection has revalidate", sessions)
	}
}

// connectionClient checks that the provider accepts a connection's client.
func (e *examination) connectionClient(ctx context.Context, add func(string, Level, string, string, ...any), c directory.Connection) {
	config := login.Config{
		Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes, ResponseMode: c.ResponseMode, PushRequests: c.PushRequests, Offline: c.Revalidate > 0,
		TokenEndpointAudience: c.AssertionAudience == directory.TokenEndpoint, Transport: e.Tenants,
	}
	if e.PublicURL != "" {
		config.RedirectURL = publicurl.ConnectionCallback(e.PublicURL, c.ID)
	}
	switch {
	case c.ClientAuth == directory.PrivateKeyJWT && e.Provider.ClientKey == nil:
		add(connections, Problem, "Set --oidc-client-key-file, as the servers have it.", "it uses private_key_jwt, and there is no client key")
		return
	case c.ClientAuth == directory.PrivateKeyJWT:
		config.ClientKey = e.Provider.ClientKey
	case e.Secret == nil:
		return // found with the keys
	default:
		secret, err := e.Secret.Sealer(signingkey.ForConnections).Open(c.SealedSecret, c.ID)
		if err != nil {
			add(connections, Problem, "Add the previous secret as a further line of the secret file, or set the connection's client secret again.",
				"its client secret cannot be opened by the secret file")
			return
		}
		config.ClientSecret = string(secret)
	}
	client := login.New(config)
	switch err := client.CheckClient(ctx, e.Now); {
	case err == nil:
	case login.FaultOf(err) == login.FaultClient:
		add(connections, Problem, "Have the organization's administrator compare client id and secret, and see whether the secret has expired; then set the new one.",
			"the provider refuses the client %s: %v", c.ClientID, why(err))
	default:
		add(connections, Look, "A sign-in will show it.", "the provider did not answer whether it accepts the client %s: %v", c.ClientID, why(err))
	}
	if config.RedirectURL != "" {
		e.redirectURI(ctx, client, registration{add, config.RedirectURL, c.ResponseMode})
	}
}

// domains looks up the records of domains, as the server does, without changing anything.
func (e *examination) domains(ctx context.Context, store connectionStore, enabled map[string]bool, cut bool) {
	const ever = 1 << 52
	all, err := store.DueDomains(ctx, ever, ever, maxDomains)
	if err != nil || e.TXT == nil {
		return
	}
	e.each(len(all), func(one *examination, i int) {
		one.domain(ctx, all[i], enabled[all[i].OrganizationID] || cut)
	})
}

// domain looks up the record of one domain. led reports whether its organization may have an
// enabled connection.
func (e *examination) domain(ctx context.Context, d directory.Domain, led bool) {
	there, err := domain.Published(ctx, e.TXT, d.Name, d.Token)
	verified := d.VerifiedAt != 0
	record := domain.RecordName(d.Name) + " TXT " + domain.RecordText(d.Token)
	switch {
	case err != nil:
		e.add(domains, Look, "A verified domain stays so for a week without an answer of DNS.", "%s: DNS does not answer: %v", d.Name, err)
	case verified && !there:
		e.add(domains, Problem, "Have the owner publish "+record+" again, or remove the domain.",
			"%s: the record that verified it is gone; the next look-up, within a day, ends it, and its people go to the workspace's provider", d.Name)
	case !verified && !there:
		e.add(domains, Look, "Have the owner publish "+record, "%s: it is not verified: its record is not in DNS", d.Name)
	case !verified && d.Problem == directory.DomainTaken:
		e.add(domains, Warning, "The organization that verified it first has it. Decide which of the two keeps it, and remove it from the other.", "%s: another organization has verified it", d.Name)
	case !verified:
		e.add(domains, Look, "Run tabard domains check, or wait for the hourly look-up.", "%s: its record is in DNS, and it is not verified yet", d.Name)
	case !led:
		e.add(domains, Warning, "Enable a connection, or remove the domain.", "%s: it is verified, but its organization has no enabled connection: it leads nobody there", d.Name)
	default:
		e.ok(domains, "%s: its record is in DNS", d.Name)
	}
}
