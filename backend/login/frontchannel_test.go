package login_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
)

// TestFrontchannelLogout_Issuer: the address is the provider's own, so that a provider that
// names no issuer, as Entra and AD FS document it, is taken at it. One that names another is
// not. Where people are of several tenants, it is the session of one of those that are listed.
func TestFrontchannelLogout_Issuer(t *testing.T) {
	const organizations, contoso, fabrikam = "https://id.example/organizations/v2.0", "https://id.example/t-contoso/v2.0", "https://id.example/t-fabrikam/v2.0"
	for name, test := range map[string]struct {
		issuer  string
		tenants []string
		query   string
		want    []string // issuers; nil is refused
	}{
		"named":                         {issuer, nil, "iss=" + url.QueryEscape(issuer) + "&sid=1", []string{issuer}},
		"not named":                     {issuer, nil, "sid=1", []string{issuer}},
		"named as nothing":              {issuer, nil, "iss=&sid=1", nil},
		"named twice":                   {issuer, nil, "iss=" + url.QueryEscape(issuer) + "&iss=" + url.QueryEscape(issuer) + "&sid=1", nil},
		"another":                       {issuer, nil, "iss=https://evil.example&sid=1", nil},
		"no session":                    {issuer, nil, "iss=" + url.QueryEscape(issuer), nil},
		"two sessions":                  {issuer, nil, "sid=1&sid=2", nil},
		"an empty session":              {issuer, nil, "sid=", nil},
		"a long session":                {issuer, nil, "sid=" + strings.Repeat("1", 256), nil},
		"a listed tenant":               {organizations, []string{"t-contoso", "t-fabrikam"}, "iss=" + url.QueryEscape(fabrikam) + "&sid=1", []string{fabrikam}},
		"a tenant that is not listed":   {organizations, []string{"t-contoso"}, "iss=" + url.QueryEscape(fabrikam) + "&sid=1", nil},
		"the form of all tenants":       {organizations, []string{"t-contoso"}, "iss=" + url.QueryEscape("https://id.example/{tenantid}/v2.0") + "&sid=1", nil},
		"the group of all tenants":      {organizations, []string{"t-contoso"}, "iss=" + url.QueryEscape(organizations) + "&sid=1", nil},
		"of tenants, and none is named": {organizations, []string{"t-contoso", "t-fabrikam"}, "sid=1", []string{contoso, fabrikam}},
	} {
		t.Run(name, func(t *testing.T) {
			p := login.New(login.Config{Issuer: test.issuer, Tenants: test.tenants, FrontchannelLogout: true})
			query, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			logouts, framer, err := p.ReadFrontchannelLogout(query, now)
			var got []string
			for _, l := range logouts {
				if got = append(got, l.Issuer); l.SessionID != "1" || l.Subject != "" || l.Until != now {
					t.Errorf("it ends %+v", l)
				}
			}
			if !slices.Equal(got, test.want) || (err == nil) != (test.want != nil) {
				t.Errorf("it is of %v, want %v: %v", got, test.want, err)
			}
			if err == nil && framer != "https://id.example" {
				t.Errorf("framed by %s", framer)
			}
		})
	}
}
