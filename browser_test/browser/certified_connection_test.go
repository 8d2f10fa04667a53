package browser

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// connect gives acme a certified provider of its own, by which alone it is entered.
func (c *certified) connect() (issuer string) {
	c.Helper()
	const id, secret = "con_acme", "another secret: 100% +&="
	issuer = startCertified(c.T, "acme-client", secret, certifiedBackend+"/callback/"+id, certifiedBackend+"/backchannel-logout/"+id)
	d := certifiedDirectory(c.issuer)
	d.Organizations[0].Rules = policy.Rules{Connection: id}
	d.Organizations[0].Connections = []directory.DesiredConnection{{Connection: directory.Connection{
		ID: id, Issuer: issuer, ClientID: "acme-client", Enabled: true, FromFile: true,
		SealedSecret: c.secret.Sealer(signingkey.ForConnections).Seal([]byte(secret), id),
	}}}
	if _, err := c.store.Apply(c.Context(), d, time.Now().Unix()); err != nil {
		c.Fatal(err)
	}
	return issuer
}

func TestCertifiedProvider_OfAnOrganization(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	c.browser = c.browser.On(httpbrowser.NewDevice(t))
	c.signIn(c.browser.Begin(certifiedBackend+"/login"), "alice")
	user := c.mint().User
	own := c.connect()
	answer := c.browser.Post("/token", `{"organization":"acme","enter":true}`)
	var asked api.Error
	if answer.JSON(t, &asked); asked.Code != api.InsufficientUserAuthentication {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	page := c.browser.Begin(asked.LoginURL + "&return_to=/notes")
	if !strings.HasPrefix(page.URL.String(), own) {
		t.Fatalf("the step-up leads to %s", page.URL)
	}
	if landed := c.signIn(page, "a.martin"); landed.URL.String() != certifiedApp+"/notes" {
		t.Fatalf("landed on %s: %s", landed.URL, landed.Body)
	}
	if got := c.mint().User; got != user {
		t.Errorf("the person is %+v, want %+v", got, user)
	}
	if linked, err := c.store.Linked(t.Context(), "con_acme", "a.martin"); err != nil || linked.ID != user.ID {
		t.Errorf("a.martin is %+v, %v", linked, err)
	}
	err := c.store.DisableConnection(t.Context(), "org_acme", "con_acme")
	if got := c.browser.Post("/token", `{"organization":"acme"}`); err != nil || got.Status != http.StatusUnauthorized {
		t.Errorf("disabled, it answers %d, %v", got.Status, err)
	}
}
