package login_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// claims sets claims of the identity token. Nil removes a claim.
func claims(told map[string]any) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Claims = func(c map[string]any) {
			maps.Copy(c, told)
			maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
		}
	}
}

// TestClaims_AuthTimeNotFromUserInfo checks that without auth_time in the identity
// token the time is unknown. It is taken neither from iat nor from userinfo.
func TestClaims_AuthTimeNotFromUserInfo(t *testing.T) {
	for name, told := range map[string]map[string]any{
		"not said":            {"auth_time": nil},
		"zero":                {"auth_time": 0},
		"before time began":   {"auth_time": -5},
		"far in the future":   {"auth_time": now + 61},
		"under another name":  {"auth_time": nil, "Auth_Time": now},
		"under another still": {"auth_time": nil, "AUTH_TIME": now},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			claims(told)(p)
			p.UserInfo = func(c map[string]any) { c["auth_time"] = now - 7 }
			got, err := signIn(t, p, nil)
			if err != nil || got.AuthTime != 0 {
				t.Errorf("auth_time is %d, %v", got.AuthTime, err)
			}
			if login.NewAttempt("web", "", now).Caused(got) {
				t.Error("it counts as made for the attempt")
			}
		})
	}
	p := provider(t)
	claim("auth_time", now+60)(p)
	if got, err := signIn(t, p, nil); err != nil || got.AuthTime != now {
		t.Errorf("of a clock that is ahead: %d, %v", got.AuthTime, err)
	}
}

// TestClaims_UserInfoIsNoAuthentication checks OpenID Connect Core section 5.1:
// userinfo can be read at any time with the access token.
func TestClaims_UserInfoIsNoAuthentication(t *testing.T) {
	p := provider(t)
	claims(map[string]any{"auth_time": nil, "acr": nil, "amr": nil, "sid": nil})(p)
	p.UserInfo = func(c map[string]any) {
		maps.Copy(c, map[string]any{"auth_time": now, "acr": "mfa", "amr": []string{"otp"}, "sid": "1", "groups": []string{"staff"}})
	}
	got, err := signIn(t, p, nil)
	if err != nil || got.AuthTime != 0 || got.ACR != "" || len(got.AMR) != 0 || got.SessionID != "" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, name := range []string{"auth_time", "acr", "amr", "sid"} {
		if value, said := got.Claims[name]; said {
			t.Errorf("%s is %v", name, value)
		}
	}
	if got.Claims["groups"] == nil {
		t.Error("groups of userinfo are not read")
	}
}

func TestClaims_ExactNames(t *testing.T) {
	p := provider(t)
	claims(map[string]any{
		"acr": nil, "ACR": "urn:mfa", "amr": nil, "AMR": []string{"otp"}, "sid": nil, "Sid": "1", "ſid": "2",
		"name": nil, "Name": "Mallory", "email": nil, "EMAIL": "mallory@example.com", "azp": nil, "AZP": "other",
	})(p)
	p.UserInfo = func(c map[string]any) {
		maps.Copy(c, map[string]any{"email": nil, "Email": "mallory@example.com", "NAME": "Mallory"})
	}
	got, err := signIn(t, p, nil)
	if err != nil || got.ACR != "" || len(got.AMR) != 0 || got.SessionID != "" || got.Name != "" || got.Email != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestClaims_OtherNamesIdentifyNobody checks that claims with similar names are not
// read, in any order.
func TestClaims_OtherNamesIdentifyNobody(t *testing.T) {
	for name, told := range map[string]map[string]any{
		"iss":   {"iss": nil, "ISS": issuer},
		"sub":   {"sub": nil, "SUB": "alice"},
		"aud":   {"aud": nil, "Aud": logintest.ClientID},
		"nonce": {"nonce": "other", "NONCE": "another"},
		"exp":   {"exp": nil, "Exp": now + 300},
		"iat":   {"iat": nil, "IAT": now},
	} {
		p := provider(t)
		claims(told)(p)
		if _, err := signIn(t, p, nil); err == nil {
			t.Errorf("somebody signed in without %s", name)
		}
	}
	for _, name := range []string{"SUB", "Sub", "ſub"} {
		p := provider(t)
		claims(map[string]any{name: "mallory"})(p)
		if got, err := signIn(t, p, nil); err == nil && got.Subject != "alice" {
			t.Errorf("%s: %s signed in", name, got.Subject)
		}
	}
	p := provider(t)
	endpoint("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"sub":"mallory","SUB":"alice","email":"m@example.com"}`))
	})(p)
	_, err := signIn(t, p, nil)
	wantRefused(t, err, "invalid_response")
}

func TestClaims_RepeatedRefused(t *testing.T) {
	p := provider(t)
	p.Sign = func(p *logintest.Provider, c jwt.MapClaims) string {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return p.SignedText(strings.Replace(string(text), `"acr":`, `"acr":"urn:mfa","acr":`, 1))
	}
	_, err := signIn(t, p, nil)
	wantRefused(t, err, "invalid_response")
}

// TestClaims_MaxAgeNeedsSignedTime checks that the refusal names the missing claim.
func TestClaims_MaxAgeNeedsSignedTime(t *testing.T) {
	age := int64(300)
	for name, told := range map[string]map[string]any{
		"not said":    {"auth_time": nil},
		"unreadable":  {"auth_time": 0},
		"another one": {"auth_time": nil, "Auth_time": now},
	} {
		p := provider(t)
		claims(told)(p)
		p.UserInfo = func(c map[string]any) { c["auth_time"] = now }
		_, err := signIn(t, p, &age)
		wantRefused(t, err, "auth_time_missing")
		if err == nil || !strings.Contains(err.Error(), "auth_time") || !strings.Contains(err.Error(), "max_age=300") {
			t.Errorf("%s: the refusal says %v", name, err)
		}
	}
}

// TestLogoutToken_ExactNames checks that only sub and sid select the sessions.
func TestLogoutToken_ExactNames(t *testing.T) {
	p := provider(t)
	token := func(told jwt.MapClaims) string {
		all := jwt.MapClaims{
			"iss": issuer, "aud": logintest.ClientID, "sub": "alice", "iat": now, "jti": "1",
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
		maps.Copy(all, told)
		maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
		return p.LogoutToken("logout+jwt", all)
	}
	for name, told := range map[string]jwt.MapClaims{
		"sub":  {"sub": nil, "SUB": "alice"},
		"sid":  {"sub": nil, "SID": "1"},
		"jti":  {"jti": nil, "JTI": "1"},
		"both": {"ſub": "bob"},
	} {
		got, err := client(p).ReadLogoutToken(t.Context(), token(told), now)
		if err == nil && (got.Subject != "alice" || told["sub"] == nil && len(told) == 2) {
			t.Errorf("%s: it ends %+v", name, got)
		}
	}
	if _, err := client(p).ReadLogoutToken(t.Context(), token(nil), now); err != nil {
		t.Error(err)
	}
}
