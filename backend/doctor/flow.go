package doctor

import (
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
)

// flow tells whether the provider offers the flow by which people sign in. A member that
// the metadata leave out has a default (OpenID Connect Discovery section 3), or is not
// known.
func (e *examination) flow(m metadata) {
	if len(m.ResponseTypes) > 0 && !slices.Contains(m.ResponseTypes, "code") || len(m.GrantTypes) > 0 && !slices.Contains(m.GrantTypes, "authorization_code") {
		e.add(provider, Problem, "Allow the authorization code flow (response type code) at the provider.", "it does not offer the authorization code flow")
	}
	if m.Algorithms != nil && len(login.PublicKeyAlgorithms(m.Algorithms)) == 0 {
		e.add(provider, Problem, "Have the provider sign identity tokens by a key of its own, such as with RS256 or ES256.",
			"it signs identity tokens only with %s, which no public key checks", strings.Join(m.Algorithms, ", "))
	}
	e.pushed(m)
	e.responseMode(m)
}

func (e *examination) pushed(m metadata) {
	switch {
	case m.Push == "" && (bool(m.MustPush) || e.Provider.PushRequests):
		e.add(provider, Problem, "Switch pushed authorization requests on at the provider, or --oidc-push-requests off.",
			"requests are to be pushed, but it has no pushed_authorization_request_endpoint")
	case bool(m.MustPush):
		e.ok(provider, "it demands pushed authorization requests, and gets them")
	case e.Provider.PushRequests:
		e.ok(provider, "authorization requests are pushed to it")
	}
}

func (e *examination) responseMode(m metadata) {
	const advice = "Set --oidc-response-mode to one of them: query or form_post."
	mode, said := e.Provider.ResponseMode, len(m.ResponseModes) > 0
	switch {
	case said && mode != "" && !slices.Contains(m.ResponseModes, mode):
		e.add(provider, Problem, advice, "it does not answer by %s, but by %s", mode, strings.Join(m.ResponseModes, ", "))
	case said && mode == "" && !slices.Contains(m.ResponseModes, "query"):
		e.add(provider, Problem, advice, "it does not answer by query, but by %s", strings.Join(m.ResponseModes, ", "))
	case mode != "":
		e.ok(provider, "it answers by %s", mode)
	}
}

// authentication tells whether the provider accepts the client's method of authentication.
func (e *examination) authentication(m metadata) {
	takes := func(method string) bool { return slices.Contains(m.TokenAuth, method) }
	bySecret := len(m.TokenAuth) == 0 || takes("client_secret_basic") || takes("client_secret_post")
	all := strings.Join(m.TokenAuth, ", ")
	switch {
	case e.Provider.Apple != nil && !bySecret:
		e.add(provider, Problem, "Leave out --oidc-apple-client: it is for Apple alone.", "it takes no client secret, but %s", all)
	case e.Provider.Apple != nil:
	case e.Provider.ClientKey != nil && len(m.TokenAuth) > 0 && !takes("private_key_jwt"):
		e.add(provider, Problem, "Use a client secret in place of --oidc-client-key-file, or switch private_key_jwt on at the provider.",
			"it does not take private_key_jwt, but %s", all)
	case e.Provider.ClientKey == nil && !bySecret && takes("private_key_jwt"):
		e.add(provider, Problem, "Name a private key by --oidc-client-key-file, in place of the secret, and register "+e.clientKeySet()+" as the client's key set at the provider.",
			"it takes no client secret, but %s", all)
	case e.Provider.ClientKey == nil && !bySecret:
		e.add(provider, Problem, "Allow client_secret_basic, client_secret_post or private_key_jwt at the provider.",
			"it takes only %s, by which this server cannot authenticate", all)
	}
}

// clientKeySet is where the public half of the client's key is served.
func (e *examination) clientKeySet() string {
	return strings.TrimSuffix(e.PublicURL, "/") + api.PathClientKeySet
}
