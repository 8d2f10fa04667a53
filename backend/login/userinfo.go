package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// AddUserInfo requests userinfo once and adds the claims that the identity token lacks
// (OpenID Connect Core section 5.3). The identity token alone identifies the person, so
// that a failure of userinfo is no error. An answer for another sub is refused.
func (p *Provider) AddUserInfo(ctx context.Context, i *Identity) error {
	if i.askedUserInfo {
		return nil
	}
	i.askedUserInfo = true
	if !i.until.IsZero() {
		limited, cancel := context.WithDeadline(ctx, i.until)
		defer cancel()
		ctx = limited
	}
	body, err := p.userInfo(ctx, i)
	var named struct {
		Subject identifier `json:"sub"`
		Name    text       `json:"name"`
		Email   text       `json:"email"`
	}
	if err == nil {
		err = strictjson.DecodeKnown(body, &named)
	}
	var claims map[string]any
	if err == nil {
		claims, err = allClaims(body)
	}
	switch {
	case err != nil || named.Subject == "": // without sub it identifies nobody
		return nil
	case string(named.Subject) != i.Subject:
		return p.faultError(FaultToken, "userinfo: sub is not that of the identity token")
	}
	i.UserInfo = claims
	i.Claims = maps.Clone(i.Claims)
	for name, value := range claims {
		if _, signed := i.Claims[name]; !signed && !slices.Contains(protectedClaims, name) {
			i.Claims[name] = value
		}
	}
	if i.Name == "" {
		i.Name = cleanName(string(named.Name))
	}
	if i.Email == "" {
		i.Email = verifiedEmail(string(named.Email), i.Claims)
	}
	return nil
}

var (
	errNoUserInfo    = errors.New("login: the provider has no userinfo endpoint")
	errNoAccessToken = errors.New("login: the provider issued no access token for userinfo")
)

// userInfo returns the claims of the userinfo endpoint. It refreshes the metadata if
// the endpoint has moved.
func (p *Provider) userInfo(ctx context.Context, i *Identity) (json.RawMessage, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	body, err := p.readUserInfo(ctx, found, i)
	if refreshed := p.refreshAfter(ctx, found, err); refreshed != nil && refreshed.metadata.UserInfo != found.metadata.UserInfo {
		body, err = p.readUserInfo(ctx, refreshed, i)
	}
	return body, err
}

// readUserInfo returns the claims of the userinfo endpoint, in a signed or a plain
// answer. The error is ErrUnavailable if there is no valid answer.
func (p *Provider) readUserInfo(ctx context.Context, found *discovered, i *Identity) (json.RawMessage, error) {
	switch {
	case found.metadata.UserInfo == "":
		return nil, errNoUserInfo
	case i.tokens.AccessToken == noAccessToken:
		return nil, errNoAccessToken
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, found.metadata.UserInfo, nil)
	if err != nil {
		return nil, err
	}
	i.tokens.SetAuthHeader(request)
	response, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: userinfo: %w", ErrUnavailable, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: userinfo answers %s", ErrUnavailable, response.Status)
	}
	if err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "application/jwt" {
		return found.keys.VerifySignature(ctx, string(body))
	}
	return body, nil
}
