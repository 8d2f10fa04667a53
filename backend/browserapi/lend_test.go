package browserapi_test

import (
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const files = "https://files.example/api"

// newLendingBackend starts a backend whose app lends tokens for a further audience.
func newLendingBackend(t *testing.T) *backend {
	w := newBackend(t, nil)
	d := desired()
	web := &d.Workspace.Apps[0]
	web.Claims = map[string]string{"tenantId": "org_id", "groups": "roles"}
	web.StatedClaims = map[string]directory.StatedClaim{"role": {Value: "authenticated"}, "plan": {Value: "pro"}}
	web.FurtherAudiences, web.LentClaims = []string{files, "old"}, []string{"tenantId", "role"}
	w.Apply(d)
	return w
}

// lend asks for a lent token.
func (w *backend) lend(b *httpbrowser.Browser, body string) api.LendResponse {
	w.Helper()
	answer := b.Post(api.PathLend, body)
	if answer.Status != http.StatusOK {
		w.Fatalf("lending %s: %d %s", body, answer.Status, answer.Body)
	}
	var lent api.LendResponse
	answer.JSON(w, &lent)
	return lent
}

// lentClaims returns the verified claims of a lent token for an audience.
func (w *backend) lentClaims(lent api.LendResponse, audience string) *token.Claims {
	w.Helper()
	client := &http.Client{Transport: w.Hosts}
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: audience, Now: w.Now, Keys: token.NewKeySet(publicURL+api.PathKeySet, client),
	})
	if err != nil {
		w.Fatal(err)
	}
	claims, err := verifier.Inspect(w.Context(), lent.AccessToken)
	if err != nil {
		w.Fatal(err)
	}
	return claims
}

func TestLend_Narrower(t *testing.T) {
	w := newLendingBackend(t)
	alice := w.keyed("alice")
	own := w.claims(w.mint(alice, "acme"))
	lent := w.lend(alice, `{"organization":"acme","permissions":"notes:read","seconds":60,"user":"`+own.Subject+`"}`)
	claims := w.lentClaims(lent, origin+"/api")
	if !claims.Lent || len(claims.Roles) != 0 || !slices.Equal(claims.Permissions, []string{"notes:read"}) || claims.Expires != w.Now().Unix()+60 ||
		claims.OrganizationID != "org_acme" || claims.Subject != own.Subject || claims.SessionID != own.SessionID || claims.ID == own.ID {
		t.Errorf("lent is %+v", claims)
	}
	if got := claims.Further; got["role"] != "authenticated" || got["tenantId"] != "org_acme" || len(got) != 2 {
		t.Errorf("lent are the claims %v", got)
	}
	if lent.ExpiresIn != 60 || lent.TokenType != api.TokenTypeBearer || lent.Organization != "org_acme" || lent.Audience != origin+"/api" {
		t.Errorf("the answer is %+v", lent)
	}
	all := w.lentClaims(w.lend(alice, `{"organization":"acme","audience":"`+files+`"}`), files)
	if !all.Lent || !slices.Equal(all.Permissions, own.Permissions) || all.Expires != own.Expires || !slices.Equal(all.Audience, []string{files}) {
		t.Errorf("for the further audience it is %+v", all)
	}
	if none := w.lentClaims(w.lend(alice, `{"organization":"acme","permissions":""}`), origin+"/api"); len(none.Permissions) != 0 {
		t.Errorf("without permissions it is %+v", none)
	}
	if long := w.lend(alice, `{"organization":"acme","seconds":99999}`); long.ExpiresIn > own.Expires-own.IssuedAt {
		t.Errorf("it lives for %d s", long.ExpiresIn)
	}
	if minted := w.claims(w.mint(alice, "acme")); minted.Lent || len(minted.Roles) == 0 {
		t.Errorf("the tab's own is %+v", minted)
	}
}

func TestLend_NeverMore(t *testing.T) {
	w := newLendingBackend(t)
	alice := w.keyed("alice")
	w.mint(alice, "globex") // a viewer there
	for body, want := range map[string]api.Code{
		`{"organization":"globex","permissions":"notes:write"}`:            api.InsufficientPermissions,
		`{"organization":"globex","permissions":"notes:read notes:write"}`: api.InsufficientPermissions,
		`{"organization":"globex","permissions":"unheard:of"}`:             api.InsufficientPermissions,
		`{"organization":"globex","audience":"https://other.example"}`:     api.InvalidRequest,
		`{"organization":"globex","audience":"` + sibling + `/api"}`:       api.InvalidRequest,
		`{"organization":"globex","audience":"old"}`:                       api.InvalidRequest, // of a disabled app
		`{"organization":"globex","seconds":-1}`:                           api.InvalidRequest,
		`{"organization":"globex","jkt":"no thumbprint"}`:                  api.InvalidRequest,
		`{"organization":"globex","user":"usr_other"}`:                     api.IdentityChanged,
		`{}`:                             api.OrganizationRequired,
		`{"organization":"umbrella"}`:    api.OrganizationAccessDenied,
		`{"organization":"acme"}`:        api.OrganizationSessionExpired, // never entered
		`{"organization":"initech"}`:     api.OrganizationSessionExpired,
		`{"organization":"org_globex_"}`: api.OrganizationAccessDenied,
	} {
		w.wants(alice.Post(api.PathLend, body), want.Status(), want)
	}
	w.wants(w.browser().Post(api.PathLend, `{"organization":"globex"}`), http.StatusUnauthorized, api.LoginRequired)
	w.wants(alice.Copy().On(httpbrowser.NewDevice(t)).Post(api.PathLend, `{"organization":"globex"}`), http.StatusUnauthorized, api.DeviceKeyMismatch)
	alice.Post("/logout", `{"scope":"organization","organization":"globex"}`)
	w.wants(alice.Post(api.PathLend, `{"organization":"globex"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
}

// TestLend_SpendsNothing checks that lending writes no row: what is due waits for a mint.
func TestLend_SpendsNothing(t *testing.T) {
	w := newLendingBackend(t)
	alice := w.keyed("alice")
	w.mint(alice, "acme")
	rows := func() string {
		return w.dump(`SELECT s.*, e.*, (SELECT COUNT(*) FROM audit) FROM sessions s JOIN organization_sessions e ON e.session_id = s.id`)
	}
	before, cookies := rows(), alice.Cookies()
	for range 5 {
		w.Pass(20 * time.Second)
		w.lend(alice, `{"organization":"acme"}`)
	}
	w.Pass(time.Hour)
	w.wants(alice.Post(api.PathLend, `{"organization":"acme"}`), http.StatusConflict, api.RequestTooOld)
	if after := rows(); after != before {
		t.Errorf("lending changes\n%s into\n%s", before, after)
	}
	if after := alice.Cookies(); !maps.Equal(after, cookies) {
		t.Errorf("lending changes the cookies %v into %v", cookies, after)
	}
	w.mint(alice, "acme")
	w.wants(alice.Post(api.PathLend, `{"organization":"acme"}`), http.StatusConflict, api.RequestTooOld) // not acknowledged yet
	w.mint(alice, "acme")
	w.lend(alice, `{"organization":"acme"}`)
}

// TestLend_StolenTokenEndsTheSession checks that theft is noticed at this door too.
func TestLend_StolenTokenEndsTheSession(t *testing.T) {
	w := newLendingBackend(t)
	alice := w.signedIn("alice")
	w.mint(alice, "acme")
	thief := alice.Copy()
	for range 6 {
		w.Pass(10 * time.Minute)
		w.mint(alice, "acme")
	}
	w.wants(thief.Post(api.PathLend, `{"organization":"acme"}`), http.StatusUnauthorized, api.RefreshTokenReused)
	w.wants(alice.Post("/token", renews), http.StatusUnauthorized, api.RefreshTokenReused)
	if len(w.events(audit.RefreshTokenReused)) != 1 {
		t.Errorf("the audit log has %+v", w.events(audit.RefreshTokenReused))
	}
}

// TestLend_Bound checks that a lent token of an app whose tokens are bound is bound to the
// borrower's key, or to the tab's own.
func TestLend_Bound(t *testing.T) {
	w := newLendingBackend(t)
	w.Change(`UPDATE workspace SET revision = revision + 1, document = json_set(document, '$.apps[0].dpop_bound_tokens', json('true'))`)
	alice := w.keyed("alice")
	var own api.TokenResponse
	alice.Post("/token", enters).JSON(t, &own)
	borrower := strings.Repeat("b", 43)
	for body, want := range map[string]string{
		`{"organization":"acme"}`:                          w.jkt(own.AccessToken),
		`{"organization":"acme","jkt":"` + borrower + `"}`: borrower,
	} {
		if lent := w.lend(alice, body); w.jkt(lent.AccessToken) != want || want == "" || lent.TokenType != api.TokenTypeDPoP {
			t.Errorf("%s: %+v", body, lent)
		}
	}
}

// jkt returns the thumbprint that a token is bound to.
func (w *backend) jkt(raw string) string {
	w.Helper()
	return w.lentClaims(api.LendResponse{AccessToken: raw}, origin+"/api").Confirmation.JKT
}

// dump returns all rows that a query of the database selects.
func (w *stored) dump(query string) (all string) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.File)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		columns, _ := rows.Columns()
		values, fields := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			fields[i] = &values[i]
		}
		if err := rows.Scan(fields...); err != nil {
			w.Fatal(err)
		}
		all += fmt.Sprintln(values...)
	}
	return all
}
