package login_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// written has the provider sign its claims as edit writes them.
func written(edit func(claims string) string) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Sign = func(p *logintest.Provider, claims jwt.MapClaims) string {
			text, _ := json.Marshal(claims) // never fails for claims
			return p.SignedText(edit(string(text)))
		}
	}
}

func withMember(member string) func(*logintest.Provider) {
	return written(func(claims string) string { return strings.TrimSuffix(claims, "}") + "," + member + "}" })
}

// replaced are subjects, in JSON, that a parser reads as one and the same text: what is
// not Unicode becomes U+FFFD.
var replaced = map[string]string{
	"Latin-1, ü":          "m\xfcller",
	"Latin-1, ö":          "m\xf6ller",
	"a lone surrogate":    `m\ud800ller`,
	"a surrogate's half":  `m\udfffller`,
	"the replacement":     `m\ufffdller`,
	"a null character":    `m\u0000ller`,
	"an overlong slash":   "m\xc0\xafller",
	"a cut-off character": "m\xe2\x82",
}

// TestIdentityToken_AmbiguousSubject checks that two people do not become one.
func TestIdentityToken_AmbiguousSubject(t *testing.T) {
	for name, sub := range replaced {
		p := provider(t)
		written(func(claims string) string { return strings.Replace(claims, `"sub":"alice"`, `"sub":"`+sub+`"`, 1) })(p)
		p.UserInfo = func(c map[string]any) { delete(c, "sub") }
		got, err := signIn(t, p, nil)
		if wantRefused(t, err, "invalid_response"); err == nil {
			t.Errorf("%s: %q signed in", name, got.Subject)
		}
	}
}

// TestLogoutToken_AmbiguousSubject checks that a logout token ends nobody else's
// session.
func TestLogoutToken_AmbiguousSubject(t *testing.T) {
	for name, told := range map[string]jwt.MapClaims{
		"sub":                    {"sub": "m\ufffdller"},
		"sub alone":              {"sub": "m\x00ller", "sid": nil},
		"sid alone":              {"sub": nil, "sid": "1\ufffd"},
		"sid with null, alone":   {"sub": nil, "sid": "1\x00"},
		"sub, beside a good sid": {"sub": "\ufffd"},
	} {
		p := provider(t)
		got, err := client(p).ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", told), now)
		if wantRefused(t, err, "invalid_response"); err == nil {
			t.Errorf("%s: it ends %+v", name, got)
		}
	}
}

// TestFrontchannelLogout_Characters checks that what no database stores is refused
// before it is looked up.
func TestFrontchannelLogout_Characters(t *testing.T) {
	p := login.New(login.Config{Issuer: issuer, FrontchannelLogout: true})
	for _, sid := range []string{"a\x00", "\xff", "\ufffd"} {
		if ended, _, err := p.ReadFrontchannelLogout(url.Values{"sid": {sid}}, now); err == nil {
			t.Errorf("%q ends %+v", sid, ended)
		}
	}
}

// TestIdentityToken_NullCharacter checks that a claim that cannot be stored counts as
// absent, and that the text \u0000 is none.
func TestIdentityToken_NullCharacter(t *testing.T) {
	for name, test := range map[string]struct {
		member string
		kept   bool
	}{
		"escaped":        {`"path":"C:\\u0000"`, true},
		"in a claim":     {`"path":"a\u0000b"`, false},
		"in a list":      {`"path":["a",{"b":["\u0000"]}]`, false},
		"in a name":      {`"path":{"\u0000":1}`, false},
		"in its name":    {`"pa\u0000th":1`, false},
		"twice escaped":  {`"path":"\\\\u0000"`, true},
		"escaped, after": {`"path":"\\\u0000"`, false},
	} {
		p := provider(t)
		withMember(test.member)(p)
		got, err := signIn(t, p, nil)
		if _, kept := got.Claims["path"]; err != nil || got.Subject != "alice" || kept != test.kept {
			t.Errorf("%s: %v, %v", name, got.Claims, err)
		}
		for claim := range got.Claims {
			if strings.Contains(claim, "\x00") {
				t.Errorf("%s: it keeps %q", name, claim)
			}
		}
	}
	p := provider(t)
	claims(map[string]any{"name": "A\x00", "email": "a\x00@example.com", "acr": "1\x00", "amr": []string{"pwd\x00"}, "groups": []string{"a\x00"}})(p)
	got, err := signIn(t, p, nil)
	if err != nil || strings.Contains(got.Name+got.Email+got.ACR+strings.Join(got.AMR, ""), "\x00") || got.Claims["groups"] != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestUserInfo_NullCharacter costs the claim that has it, and not the others.
func TestUserInfo_NullCharacter(t *testing.T) {
	p := provider(t)
	userInfoOf("application/json", `{"sub":"alice","email":"alice@example.com","groups":["a"],"photo":"\u0000\u0001"}`)(p)
	got, err := signIn(t, p, nil)
	if err != nil || got.Email == "" || got.UserInfo["groups"] == nil || got.UserInfo["photo"] != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestIdentityToken_MalformedClaims is a fault of the token, which its signature does
// not mend.
func TestIdentityToken_MalformedClaims(t *testing.T) {
	for name, quirk := range map[string]func(*logintest.Provider){
		"repeated":          withMember(`"department":"a","department":"b"`),
		"a byte mark":       written(func(claims string) string { return "\ufeff" + claims }),
		"a null at the end": written(func(claims string) string { return claims + "\x00" }),
		"a list":            written(func(claims string) string { return "[" + claims + "]" }),
	} {
		p := provider(t)
		quirk(p)
		_, err := signIn(t, p, nil)
		if err == nil || login.FaultOf(err) != login.FaultToken || strings.Contains(err.Error(), "signature") {
			t.Errorf("%s: %q: %v", name, login.FaultOf(err), err)
		}
	}
}

// TestClaims_NestedTooDeeply costs the claim alone. That of the claims which are elsewhere
// leaves all of them unknown.
func TestClaims_NestedTooDeeply(t *testing.T) {
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for levels, kept := range map[int]bool{64: true, 65: false, 9000: false} {
		p := provider(t)
		withMember(`"x":` + nested(levels))(p)
		userInfoOf("application/json", `{"sub":"alice","email":"alice@example.com","y":{"[\"":`+nested(levels-1)+`}}`)(p)
		got, err := signIn(t, p, nil)
		if err != nil || got.Email == "" || (got.Claims["x"] != nil) != kept || (got.UserInfo["y"] != nil) != kept {
			t.Errorf("%d levels: x is %t, y is %t, %v", levels, got.Claims["x"] != nil, got.UserInfo["y"] != nil, err)
		}
	}
	p := provider(t)
	withMember(`"_claim_names":{"groups":` + nested(9000) + `}`)(p)
	if got, err := signIn(t, p, nil); err != nil || got.Claims["_claim_names"] != true {
		t.Errorf("%v, %v", got.Claims["_claim_names"], err)
	}
}
