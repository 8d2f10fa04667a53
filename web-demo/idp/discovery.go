package idp

import (
	"encoding/json"
	"net/http"
)

// discovery serves OpenID Connect Discovery 1.0 section 4. It states explicitly that a
// feature is absent if the default would claim it.
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	m := map[string]any{
		"issuer":                                p.template(),
		"authorization_endpoint":                p.address("/authorize"),
		"token_endpoint":                        p.address("/token"),
		"userinfo_endpoint":                     p.address("/userinfo"),
		"end_session_endpoint":                  p.address("/end-session"),
		"jwks_uri":                              p.address("/jwks.json"),
		"scopes_supported":                      []string{"openid", "profile", "email"},
		"claims_supported":                      []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "name", "email", "email_verified"},
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code"},
		"subject_types_supported":               []string{"public"},
		"acr_values_supported":                  []string{p.acr(ACRPassword), p.acr(ACRSecondFactor)},
		"prompt_values_supported":               []string{"none", "login", "select_account", "consent"},
		"code_challenge_methods_supported":      []string{"S256"},
		"id_token_signing_alg_values_supported": []string{p.key.Load().method.Alg()},
		"token_endpoint_auth_methods_supported": p.clientAuth(),
		"claims_parameter_supported":            false,
		"request_parameter_supported":           false,
		"request_uri_parameter_supported":       false,

		"authorization_response_iss_parameter_supported": true,
	}
	applyMetadataQuirks(p, m)
	writeJSON(w, http.StatusOK, m)
}

// applyMetadataQuirks changes the metadata according to the quirks.
func applyMetadataQuirks(p *Provider, m map[string]any) {
	if p.quirks.PushedRequests != PushUnsupported {
		m["pushed_authorization_request_endpoint"] = p.address("/par")
		m["require_pushed_authorization_requests"] = p.quirks.PushedRequests == PushRequired
	}
	if allowsClientAuth(p, "private_key_jwt") {
		m["token_endpoint_auth_signing_alg_values_supported"] = []string{"RS256", "ES256"}
	}
	if p.quirks.RefreshTokens != nil {
		m["scopes_supported"] = append(m["scopes_supported"].([]string), "offline_access")
		m["grant_types_supported"] = append(m["grant_types_supported"].([]string), "refresh_token")
	}
	if p.quirks.FormPost {
		m["response_modes_supported"] = []string{"query", "form_post"}
	}
	if p.quirks.EndSession == EndSessionMissing {
		delete(m, "end_session_endpoint")
	}
	if p.quirks.Metadata != nil {
		p.quirks.Metadata(m)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone away
}

// writeError answers in the form of RFC 6749 section 5.2.
func writeError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}
