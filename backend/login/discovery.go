package login

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// discovered is the provider's metadata (OpenID Connect Discovery section 3, RFC 9207
// section 3).
type discovered struct {
	readAt time.Time
	stale  bool // an error suggests a change; guarded by Provider.mu
	// keys verify identity tokens. logoutKeys verify logout tokens, which anybody can
	// send.
	keys, logoutKeys remoteKeys
	algorithms       []string // the provider's public-key signature algorithms
	oauth            oauth2.Config
	metadata         struct {
		Issuer              string   `json:"issuer"`
		EndSession          string   `json:"end_session_endpoint"`
		UserInfo            string   `json:"userinfo_endpoint"`
		NamesIss            bool     `json:"authorization_response_iss_parameter_supported"`
		AuthMethods         texts    `json:"token_endpoint_auth_methods_supported"`
		Prompts             texts    `json:"prompt_values_supported"`
		KeySet              string   `json:"jwks_uri"`
		Push                string   `json:"pushed_authorization_request_endpoint"`
		MustPush            bool     `json:"require_pushed_authorization_requests"`
		AssertionAlgorithms texts    `json:"token_endpoint_auth_signing_alg_values_supported"`
		Algorithms          []string `json:"id_token_signing_alg_values_supported"`
		Scopes              texts    `json:"scopes_supported"`
	}
}

// discovery is a read of the provider's metadata that concurrent callers share.
type discovery struct {
	done  chan struct{} // closed at its end
	found *discovered
	err   error
}

// failurePause is how long a failure to reach a provider is remembered. Unauthenticated
// requests can cause these reads.
const failurePause = time.Second

// discover returns the provider's metadata. It reads them at first use and refreshes
// them within the hour. Concurrent callers share one read, which continues if its first
// caller disconnects.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	if found := p.found.Load(); found != nil {
		return p.refresh(ctx, found), nil
	}
	d, err := p.shareDiscovery(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-d.done:
		return d.found, d.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// shareDiscovery returns the read in progress, or starts one.
func (p *Provider) shareDiscovery(ctx context.Context) (*discovery, error) {
	p.mu.Lock()
	if p.failed != nil && time.Since(p.failedAt) < failurePause {
		defer p.mu.Unlock()
		return nil, p.failed
	}
	d := p.reading
	if d != nil {
		p.mu.Unlock()
		return d, nil
	}
	d = &discovery{done: make(chan struct{}), err: ErrUnavailable}
	p.reading = d
	p.mu.Unlock()
	defer p.finish(d)
	if found := p.found.Load(); found != nil { // another read has completed meanwhile
		d.found, d.err = found, nil
		return d, nil
	}
	d.found, d.err = p.readMetadata(context.WithoutCancel(ctx))
	return d, nil
}

// finish ends a read and publishes its result.
func (p *Provider) finish(d *discovery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reading, p.failed = nil, d.err; d.err != nil {
		p.failedAt = time.Now()
	} else {
		p.found.Store(d.found)
	}
	close(d.done)
}

func (p *Provider) readMetadata(ctx context.Context) (*discovered, error) {
	read := oidc.ClientContext(ctx, newClient(reading{p.client.Transport, usedOfMetadata}))
	if p.config.Tenants != nil { // the metadata contain an issuer template
		read = oidc.InsecureIssuerURLContext(read, TemplateOf(p.config.Issuer))
	}
	provider, err := oidc.NewProvider(read, p.config.Issuer)
	if err != nil { // the error may quote the whole answer
		return nil, fmt.Errorf("%w: %.300s", ErrUnavailable, err)
	}
	found := &discovered{readAt: time.Now(), oauth: oauth2.Config{
		ClientID: p.config.ClientID,
		Endpoint: provider.Endpoint(), RedirectURL: p.config.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(p.config.Scopes), isOpenID)...),
	}}
	var text json.RawMessage
	if err := provider.Claims(&text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := strictjson.DecodeKnown(text, &found.metadata); err != nil {
		return nil, fmt.Errorf("%w: its metadata: %.300s", ErrUnavailable, err)
	}
	if template := TemplateOf(p.config.Issuer); p.config.Tenants != nil && found.metadata.Issuer != template {
		return nil, fmt.Errorf("%w: its metadata are of issuer %.200q, and not of the many tenants of %s: leave the list of tenants out", ErrUnavailable, found.metadata.Issuer, template)
	}
	authorization, ok := p.browserURL(found.oauth.Endpoint.AuthURL)
	if !ok {
		return nil, fmt.Errorf("%w: its authorization endpoint %.300q is not an address with the scheme of its issuer", ErrUnavailable, found.oauth.Endpoint.AuthURL)
	}
	authorization.Fragment, authorization.RawFragment = "", "" // which would hide the parameters (RFC 6749 section 3.1)
	found.oauth.Endpoint.AuthURL = authorization.String()
	found.oauth.Endpoint.AuthStyle = p.authStyle(found.metadata.AuthMethods)
	found.algorithms = PublicKeyAlgorithms(found.metadata.Algorithms)
	found.keys = keySet(p.client.Transport, found.metadata.KeySet, false)
	found.logoutKeys = keySet(p.client.Transport, found.metadata.KeySet, true)
	return found, nil
}

func isOpenID(scope string) bool { return scope == oidc.ScopeOpenID }

// PublicKeyAlgorithms returns the algorithms that a public key can verify. Providers
// may also list none and HS256.
func PublicKeyAlgorithms(named []string) (all []string) {
	for _, algorithm := range named {
		switch algorithm {
		case oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA:
			all = append(all, algorithm)
		}
	}
	return all
}
