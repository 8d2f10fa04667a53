package login

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// go-oidc and oauth2 refuse an answer because of a member that nobody uses, such as a
// device_authorization_endpoint of a wrong type or an expires_in with a fraction. They
// get the members that are used, by their exact names and in the types that they expect.

// usedMetadata are the members of a provider's metadata that are used. A member of
// another type counts as absent.
type usedMetadata struct {
	Issuer              text  `json:"issuer"`
	Authorization       text  `json:"authorization_endpoint"`
	Token               text  `json:"token_endpoint"`
	KeySet              text  `json:"jwks_uri"`
	UserInfo            text  `json:"userinfo_endpoint"`
	EndSession          text  `json:"end_session_endpoint"`
	Push                text  `json:"pushed_authorization_request_endpoint"`
	MustPush            flag  `json:"require_pushed_authorization_requests"`
	NamesIss            flag  `json:"authorization_response_iss_parameter_supported"`
	AuthMethods         texts `json:"token_endpoint_auth_methods_supported"`
	Prompts             texts `json:"prompt_values_supported"`
	AssertionAlgorithms texts `json:"token_endpoint_auth_signing_alg_values_supported"`
	Algorithms          texts `json:"id_token_signing_alg_values_supported"`
	Scopes              texts `json:"scopes_supported"`
}

// usedTokens are the members of a token response that are used.
type usedTokens struct {
	AccessToken      text `json:"access_token,omitempty"`
	TokenType        text `json:"token_type,omitempty"`
	IDToken          text `json:"id_token,omitempty"`
	RefreshToken     text `json:"refresh_token,omitempty"`
	Error            text `json:"error,omitempty"`
	ErrorDescription text `json:"error_description,omitempty"`
}

// flag is a boolean. It may be a string.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(value []byte) error {
	*f = flag(strings.EqualFold(strings.Trim(string(value), `"`), "true"))
	return nil
}

// noAccessToken stands for the access token of a response without one: some providers
// omit it if no API was requested. Only userinfo needs it.
const noAccessToken = "-"

// reading is a transport that reads answers in JSON of any media type. read returns the
// body to pass on, or nil to leave it as it is.
type reading struct {
	next http.RoundTripper
	read func(status int, body []byte) []byte
}

// RoundTrip implements http.RoundTripper.
func (t reading) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		response.Header.Set("Content-Type", "application/json")
		if used := t.read(response.StatusCode, body); used != nil {
			body = used
		}
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

// usedOfMetadata returns the used members of metadata.
func usedOfMetadata(_ int, body []byte) []byte {
	var used usedMetadata
	if strictjson.DecodeKnown(body, &used) != nil {
		return nil
	}
	return encode(used)
}

// usedOfTokens returns the used members of a token response. An error response without
// an error code stays as it is.
func usedOfTokens(status int, body []byte) []byte {
	var used usedTokens
	err := strictjson.DecodeKnown(body, &used)
	switch {
	case status/100 != 2 && (err != nil || used.Error == ""):
		return nil
	case err != nil:
		return encode(usedTokens{Error: noTokens, ErrorDescription: text(err.Error())})
	}
	if status/100 == 2 && used.AccessToken == "" && used.IDToken == "" && used.Error == "" {
		used.Error, used.ErrorDescription = noTokens, errorMembers(body)
	}
	if used.IDToken = text(strings.TrimSpace(string(used.IDToken))); used.IDToken != "" && used.AccessToken == "" {
		used.AccessToken = noAccessToken
	}
	return encode(used)
}

// noTokens is the error code of a token response without tokens and an error code.
const noTokens = "no tokens"

// errorMembers returns how such a response names the error, in whatever type. The other
// members may hold tokens.
func errorMembers(body []byte) text {
	var odd struct {
		Error   json.RawMessage `json:"error"`
		Message text            `json:"message"`
	}
	if strictjson.DecodeKnown(body, &odd) != nil {
		return ""
	}
	return text(strings.TrimSpace(string(odd.Error) + " " + string(odd.Message)))
}

func encode(used any) []byte {
	body, err := json.Marshal(used)
	if err != nil { // texts and flags can always be encoded
		panic(err)
	}
	return body
}
