package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
)

// readProvider reads how the Worker relies on the workspace's provider, beyond issuer and
// client. TABARD_OIDC_CLIENT_KEY is the private key itself, a secret of the Worker's, in
// place of TABARD_OIDC_CLIENT_SECRET.
func readProvider(variable func(string) string, p *login.Config) (problems []error) {
	if text := variable("TABARD_OIDC_CLIENT_KEY"); text != "" {
		var err error
		if p.ClientKey, err = login.ParseClientKey([]byte(text)); err != nil {
			problems = append(problems, fmt.Errorf("TABARD_OIDC_CLIENT_KEY: %w", err))
		}
	} else if p.ClientSecret == "" {
		problems = append(problems, errors.New("TABARD_OIDC_CLIENT_SECRET is missing"))
	}
	var err error
	if p.Apple, err = login.ParseAppleClient(variable("TABARD_OIDC_APPLE_CLIENT"), p.ClientKey); err != nil {
		problems = append(problems, fmt.Errorf("TABARD_OIDC_APPLE_CLIENT: %w", err))
	}
	switch audience := variable("TABARD_OIDC_ASSERTION_AUDIENCE"); audience {
	case "", "issuer":
	case directory.TokenEndpoint:
		p.TokenEndpointAudience = true
	default:
		problems = append(problems, errors.New("TABARD_OIDC_ASSERTION_AUDIENCE has to be issuer or token_endpoint"))
	}
	if p.ResponseMode = variable("TABARD_OIDC_RESPONSE_MODE"); !login.IsResponseMode(p.ResponseMode) {
		problems = append(problems, errors.New("TABARD_OIDC_RESPONSE_MODE has to be query or form_post"))
	}
	if text := variable("TABARD_OIDC_SCOPES"); text != "" {
		if p.Scopes = strings.Fields(text); !directory.ValidScopes(p.Scopes) {
			problems = append(problems, errors.New("TABARD_OIDC_SCOPES has to be scopes separated by spaces"))
		}
	}
	p.UntypedLogoutTokens = variable("TABARD_OIDC_UNTYPED_LOGOUT_TOKENS") == "true"
	p.FrontchannelLogout = variable("TABARD_OIDC_FRONTCHANNEL_LOGOUT") == "true"
	p.PushRequests = variable("TABARD_OIDC_PUSH_REQUESTS") == "true"
	for id := range strings.SplitSeq(variable("TABARD_OIDC_TENANTS"), ",") {
		switch id = strings.TrimSpace(id); {
		case id == "":
		case login.IsTenant(id):
			p.Tenants = append(p.Tenants, id)
		default:
			problems = append(problems, fmt.Errorf("TABARD_OIDC_TENANTS: %q is not the id of an Entra tenant", id))
		}
	}
	return problems
}
