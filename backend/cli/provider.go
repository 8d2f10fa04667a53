package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/owner"
)

// providerSettings are further settings of the workspace's OpenID provider, as text.
type providerSettings struct {
	clientKeyFile string
	audience      string
	apple         string
	responseMode  string
	pushRequests  bool
	tenants       string
	internalURL   string
}

func (s *settings) providerFlags() {
	text := s.flags.StringVar
	text(&s.oidc.clientKeyFile, "oidc-client-key-file", "", "authenticate the OIDC client by the private key in `FILE` (PEM) instead of a secret (private_key_jwt)")
	text(&s.oidc.audience, "oidc-assertion-audience", "", "`AUDIENCE` of the client's assertions: issuer, or token_endpoint for providers that require it")
	text(&s.oidc.apple, "oidc-apple-client", "", "for Apple: sign the client secret by --oidc-client-key-file; `TEAM/KEY` are the ids of team and key")
	text(&s.oidc.responseMode, "oidc-response-mode", "", "response `MODE` of the provider: query or form_post; the provider's default if not set")
	s.flags.BoolVar(&s.oidc.pushRequests, "oidc-push-requests", false, "push authorization requests to the provider (RFC 9126), even if its metadata do not require it")
	text(&s.oidc.tenants, "oidc-tenants", "", "Entra tenants that may sign in, `IDS` separated by commas, where the issuer is Entra's organizations or common")
	text(&s.oidc.internalURL, "oidc-internal-url", "", "reach the provider from this server at `URL` (scheme, host and port); browsers use the issuer's address")
}

// provider returns the configuration of the workspace's provider. check validates the
// settings.
func (s *settings) provider() login.Config {
	key, _ := clientKey(s)
	apple, _ := login.ParseAppleClient(s.oidc.apple, key)
	return login.Config{
		Issuer: s.oidcIssuer, ClientID: s.oidcClientID, ClientSecret: s.oidcClientSecret, ClientKey: key,
		Scopes: strings.Fields(s.oidcScopes), UntypedLogoutTokens: s.untypedLogoutTokens,
		FrontchannelLogout: s.frontchannelLogout, TokenEndpointAudience: s.oidc.audience == directory.TokenEndpoint, Apple: apple,
		ResponseMode: s.oidc.responseMode, PushRequests: s.oidc.pushRequests, Tenants: tenants(s), InternalURL: s.oidc.internalURL,
	}
}

// tenants returns the ids in the list, nil if it is empty.
func tenants(s *settings) (ids []string) {
	for id := range strings.SplitSeq(s.oidc.tenants, ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// clientKey reads the key that authenticates the server; nil if none is set.
func clientKey(s *settings) (*login.ClientKey, error) {
	if s.oidc.clientKeyFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.oidc.clientKeyFile)
	if err != nil {
		return nil, err
	}
	return login.ParseClientKey(text)
}

func checkClientKey(s *settings) string {
	if _, err := clientKey(s); err != nil {
		return fmt.Sprintf("%v.\nopenssl ecparam -name prime256v1 -genkey -noout makes one.", err)
	}
	return ""
}

func checkAppleClient(s *settings) string {
	key, _ := clientKey(s)
	if _, err := login.ParseAppleClient(s.oidc.apple, key); err != nil {
		return err.Error() + "."
	}
	return ""
}

func checkTenants(s *settings) string {
	for _, id := range tenants(s) {
		if !login.IsTenant(id) {
			return "Pass tenant (directory) ids, such as\n72f988bf-86f1-41af-91ab-2d7cd011db47, separated by commas."
		}
	}
	u, err := url.Parse(s.oidcIssuer)
	return hintUnless(tenants(s) == nil || err != nil || strings.Trim(u.Path, "/") != "",
		"It needs an issuer of several tenants, such as\nhttps://login.microsoftonline.com/organizations/v2.0")
}

func checkInternalURL(address string) string {
	u, err := url.Parse(address)
	return hintUnless(address == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && strings.TrimSuffix(u.Path, "/") == "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "",
		"Pass scheme, host and port only, such as http://keycloak:8080.")
}

// currentProvider returns the provider's configuration with the client secret that the
// file has now.
func (s *settings) currentProvider() (login.Config, error) {
	c := s.provider()
	if s.oidcSecretFile == "" {
		return c, nil
	}
	var err error
	c.ClientSecret, err = readClientSecret(s.oidcSecretFile)
	return c, err
}

// readClientSecret reads a client secret from a file. A line break at the end is
// ignored.
func readClientSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", withoutPath(err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" || strings.ContainsAny(secret, "\r\n") {
		return "", errors.New("the file must contain the client secret on one line")
	}
	return secret, nil
}

// checkClientSecretFile returns a hint if the file is invalid or a secret is set as
// well.
func checkClientSecretFile(path, secret string) string {
	switch {
	case path == "":
		return ""
	case secret != "":
		return "Set either this or --oidc-client-secret, not both."
	}
	if _, err := readClientSecret(path); err != nil {
		return "The file cannot be used: " + owner.Unreadable(err, path) + "."
	}
	return ""
}

func checkStopDelay(delay string) string {
	d, err := time.ParseDuration(delay)
	return hintUnless(delay == "" || err == nil && d >= 0 && d <= maxStopDelay, "Pass a time of at most 5m, such as 5s, or 0.")
}

// delay returns how long the server keeps serving after SIGTERM.
func (s *settings) delay() time.Duration {
	if d, err := time.ParseDuration(s.stopDelay); err == nil {
		return d
	}
	if s.exposed() {
		return stopDelay
	}
	return 0
}
