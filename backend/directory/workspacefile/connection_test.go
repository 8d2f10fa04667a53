package workspacefile_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

const aConnection = `
apps: [{id: a, origins: ["https://a.test"], audience: a}]
organizations:
  - {slug: acme, name: Acme, connections: [{id: con_acme, issuer: "https://login.acme.test", client_id: tabard, SETTINGS}]}
`

func TestConnection_ProviderSettings(t *testing.T) {
	got, err := workspacefile.Parse([]byte(strings.Replace(aConnection, "SETTINGS", "client_auth: private_key_jwt, response_mode: form_post, push_requests: true, assertion_audience: token_endpoint, claim_separator: ','", 1)))
	if err != nil {
		t.Fatal(err)
	}
	c := got.Organizations[0].Connections[0]
	if c.ClientAuth != directory.PrivateKeyJWT || c.ResponseMode != "form_post" || !c.PushRequests || c.AssertionAudience != directory.TokenEndpoint || c.Provisioning.ClaimSeparator != "," {
		t.Errorf("%+v", c)
	}
	if err := workspacefile.SealSecrets(&got, nil, nil); err != nil { // the file refers to no secret
		t.Error(err)
	}
}

func TestConnection_InvalidIssuer(t *testing.T) {
	for settings, want := range map[string]string{
		"client_auth: tls_client_auth":                                        `client_auth "tls_client_auth" is not private_key_jwt`,
		"response_mode: fragment, client_auth: private_key_jwt":               `response_mode "fragment" is neither query nor form_post`,
		"assertion_audience: https://evil.test, client_auth: private_key_jwt": "assertion_audience is token_endpoint or left out",
		"assertion_audience: token_endpoint, client_secret: {env: SECRET}":    "goes with client_auth: private_key_jwt",
		"claim_separator: and, client_auth: private_key_jwt":                  `claim_separator "and" is not a comma`,
		"push_requests: perhaps, client_auth: private_key_jwt":                "expected true or false",
		"response_mode: query":                                                "needs client_secret: {env: VARIABLE} or {file: PATH}, or client_auth: private_key_jwt",
	} {
		_, err := workspacefile.Parse([]byte(strings.Replace(aConnection, "SETTINGS", settings, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", settings, err)
		}
	}
}
