package validators

import (
	"strings"

	"github.com/tabard-auth/tabard/backend/token"
)

// reader is a token that may read notes in org_acme.
func (v *vectors) reader() string {
	return v.with(object{"permissions": []string{"notes:read"}, "acr": "urn:pwd", "auth_time": v.now.Unix() - 60})
}

// read returns a request with a token that has these claims.
func (v *vectors) read(change object, want token.Reason) sharedAction {
	return getNotes(want, bearer(v.with(change)))
}

// plain returns requests with tokens of every kind where no rule demands more.
func (v *vectors) plain() (all []sharedRequest) {
	good := v.reader()
	add := func(name string, actions ...sharedAction) *sharedRequest {
		all = append(all, sharedRequest{Name: name, Requests: actions})
		return &all[len(all)-1]
	}
	add("a good token", getNotes("", bearer(good)))
	add("a scheme in capitals", getNotes("", [2]string{"Authorization", "BEARER " + good}))
	add("no token", getNotes("no_token"))
	add("a scheme alone", getNotes("no_token", [2]string{"Authorization", "Bearer "}))
	add("a token alone", getNotes("no_token", [2]string{"Authorization", good}))
	add("another scheme", getNotes("no_token", [2]string{"Authorization", "Basic " + good}))
	add("two tokens", getNotes("no_token", bearer(good), bearer(good)))
	add("two tokens in one line", getNotes("no_token", bearer(good+", Bearer "+good)))
	add("two spaces", getNotes(token.Malformed, [2]string{"Authorization", "Bearer  " + good}))
	add("a token in the query and a cookie", sharedAction{
		Method: "GET", Path: "/notes?access_token=" + good, Headers: [][2]string{{"Cookie", "access_token=" + good}}, Reason: "no_token"})
	add("a forged token", getNotes(token.BadSignature, bearer(good[:len(good)-4]+"AAAA")))
	add("an expired token", v.read(object{"exp": 1}, token.Expired))
	add("a token of the future", v.read(object{"iat": v.now.Unix() + 31}, token.NotYetValid))
	add("an ended session", v.read(object{"sid": "ses_ended"}, token.SessionEnded))
	add("keys out of reach", getNotes(token.KeysUnavailable, bearer(good))).Unreachable = true
	add("headers that name another organization", getNotes("", bearer(good), [2]string{"X-Organization-Id", "org_globex"}))
	for row, want := range map[string]token.Reason{"org_acme": "", "org_globex": token.WrongOrganization, "acme": token.WrongOrganization} {
		add("a row of "+row, getNotes(want, bearer(good))).Row = row
	}
	add("staff", v.read(object{"act": object{"sub": "usr_1"}}, ""))
	add("a server for staff", v.read(object{"act": object{"sub": "reports", "act": object{"sub": "usr_1"}}}, ""))
	add("a token without a session", v.read(object{"sid": nil}, ""))
	return all
}

// inOrganizations returns requests under a rule that takes the organization from the path.
func (v *vectors) inOrganizations() (all []sharedRequest) {
	add := func(name string, action sharedAction, params map[string]string) {
		action.Params = params
		all = append(all, sharedRequest{Name: name, Rule: sharedRule{Organization: "organization"}, Requests: []sharedAction{action}})
	}
	good := bearer(v.reader())
	for organization, want := range map[string]token.Reason{
		"org_acme": "", "acme": "", "org_globex": token.WrongOrganization, "globex": token.WrongOrganization, "": token.WrongOrganization,
		"ORG_ACME": token.WrongOrganization, "Acme": token.WrongOrganization, "org_": token.WrongOrganization,
	} {
		add("a path of "+organization, getNotes(want, good), map[string]string{"organization": organization})
	}
	add("a wildcard that is misspelled", getNotes(token.WrongOrganization, good), map[string]string{"organisation": "org_acme"})
	add("an expired token at another organization's door", v.read(object{"exp": 1}, token.Expired), map[string]string{"organization": "org_globex"})
	add("an ended session of another organization's door", v.read(object{"sid": "ses_ended"}, token.WrongOrganization), nil)
	return all
}

// lent returns requests with tokens that are narrower than their person's.
func (v *vectors) lent() (all []sharedRequest) {
	for name, c := range map[string]struct {
		rule    sharedRule
		own     token.Reason
		lent    token.Reason
		nothing token.Reason // of a lent one without permissions
	}{
		"no demand":                  {sharedRule{}, "", token.InsufficientScope, token.InsufficientScope},
		"its permission":             {sharedRule{Permissions: []string{"notes:read"}}, "", "", token.InsufficientScope},
		"another permission":         {sharedRule{Permissions: []string{"notes:write"}}, token.InsufficientScope, token.InsufficientScope, token.InsufficientScope},
		"an age":                     {sharedRule{MaxAge: 1 << 40}, "", token.InsufficientScope, token.InsufficientScope},
		"its permission, and an age": {sharedRule{Permissions: []string{"notes:read"}, MaxAge: 1 << 40}, "", "", token.InsufficientScope},
		"opened to lent ones":        {sharedRule{Lent: true}, "", "", ""},
		"opened, and a permission":   {sharedRule{Lent: true, Permissions: []string{"notes:read"}}, "", "", token.InsufficientScope},
	} {
		permissions := []string{"notes:read"}
		all = append(all, sharedRequest{Name: "lent: " + name, Rule: c.rule, Requests: []sharedAction{
			v.read(object{"permissions": permissions, "auth_time": 1}, c.own),
			v.read(object{"permissions": permissions, "auth_time": 1, "lent": false}, c.own),
			v.read(object{"permissions": permissions, "auth_time": 1, "lent": true}, c.lent),
			v.read(object{"permissions": permissions, "auth_time": 1, "LENT": true}, c.own),
			v.read(object{"permissions": permissions, "auth_time": 1, "lent": true, "LENT": false}, c.lent),
			v.read(object{"permissions": []string{}, "auth_time": 1, "lent": true}, c.nothing),
			v.read(object{"permissions": permissions, "auth_time": 1, "lent": "true"}, token.Malformed),
		}})
	}
	return all
}

// demanded returns requests under rules that demand permissions or an authentication.
func (v *vectors) demanded() (all []sharedRequest) {
	good := bearer(v.reader())
	add := func(name string, rule sharedRule, action sharedAction) {
		all = append(all, sharedRequest{Name: name, Rule: rule, Requests: []sharedAction{action}})
	}
	add("a permission that is there", sharedRule{Permissions: []string{"notes:read"}}, getNotes("", good))
	add("a permission that is missing", sharedRule{Permissions: []string{"notes:read", "notes:write"}}, getNotes(token.InsufficientScope, good))
	add("a permission with quotes", sharedRule{Permissions: []string{`a"b\c`}}, getNotes(token.InsufficientScope, good))
	add("a recent authentication", sharedRule{MaxAge: 31}, getNotes("", good))
	add("an old authentication", sharedRule{MaxAge: 30}, getNotes(token.InsufficientAuthentication, good))
	add("an authentication of unknown age", sharedRule{MaxAge: 1 << 30}, v.read(object{"auth_time": nil}, token.InsufficientAuthentication))
	add("an authentication of the far future", sharedRule{MaxAge: 30}, getNotes("", bearer(v.text(`{"alg":"ES256","kid":"es","typ":"at+jwt"}`,
		strings.Replace(v.json(v.claims(nil)), `"auth_time":1800000000`, `"auth_time":9223372036854775807`, 1), "ES256", v.es))))
	add("a context that is enough", sharedRule{ACR: []string{"urn:mfa", "urn:pwd"}}, getNotes("", good))
	add("a context that is not", sharedRule{ACR: []string{"urn:mfa", "urn:hwk"}, MaxAge: 300}, getNotes(token.InsufficientAuthentication, good))
	add("a token without a context", sharedRule{ACR: []string{"urn:mfa"}}, v.read(nil, token.InsufficientAuthentication))
	return all
}
