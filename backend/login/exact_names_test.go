package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
)

// TestAudience_Elements checks that an element of aud that is no string costs nothing, and
// names nobody.
func TestAudience_Elements(t *testing.T) {
	for audience, good := range map[string]bool{
		`["tabard",5]`: true, `[null,"tabard"]`: true, `[["other"],{"a":1},"tabard",""]`: true, `"tabard"`: true,
		`[5]`: false, `5`: false, `null`: false, `{"tabard":1}`: false, `["Tabard"]`: false, `["tabard "]`: false, `[["tabard"]]`: false, `[]`: false,
	} {
		p := provider(t)
		p.Claims = func(claims map[string]any) { claims["aud"] = json.RawMessage(audience) }
		if _, err := signIn(t, p, nil); (err == nil) != good {
			t.Errorf("aud %s: %v", audience, err)
		}
		_, err := client(p).ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", map[string]any{"aud": json.RawMessage(audience)}), now)
		if (err == nil) != good {
			t.Errorf("aud %s of a logout token: %v", audience, err)
		}
	}
}

// TestTokens_ExactNames checks that members of a token response count by their exact names
// alone: others of a similar name are neither tokens nor errors.
func TestTokens_ExactNames(t *testing.T) {
	for answer, want := range map[string]struct {
		status int
		fault  login.Fault
	}{
		`{"Error":"invalid_client"}`:                              {400, login.FaultRequest},
		`{"error":"invalid_client"}`:                              {400, login.FaultClient},
		`{"ERROR":"invalid_client","error":"invalid_request"}`:    {400, login.FaultRequest},
		`{"error":"invalid_client","error":"invalid_grant"}`:      {400, login.FaultRequest},
		`{"Access_Token":"a","ID_Token":"b"}`:                     {200, login.FaultAway},
		`{"access_token":"a","access_token":"b","id_token":"c"}`:  {200, login.FaultAway},
		`{"access_token":"a","token_type":"Bearer","Id_token":1}`: {200, login.FaultToken},
	} {
		p := provider(t)
		p.Endpoints = map[string]http.HandlerFunc{"/token": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(want.status)
			w.Write([]byte(answer))
		}}
		_, err := signIn(t, p, nil)
		if login.FaultOf(err) != want.fault {
			t.Errorf("%s: %q: %v", answer, login.FaultOf(err), err)
		}
		if want.status == 400 && !strings.Contains(err.Error(), "invalid_client") && !strings.Contains(err.Error(), "invalid_request") {
			t.Errorf("%s: the error lacks the provider's words: %v", answer, err)
		}
	}
}
