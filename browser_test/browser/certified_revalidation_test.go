package browser

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
)

// tell asks the provider for something that only tests can ask for.
func (c *certified) tell(path string) {
	c.Helper()
	answer, err := http.Get(c.issuer + "/test/" + path)
	if err != nil {
		c.Fatal(err)
	}
	answer.Body.Close()
}

// revalidated returns a certified provider that is asked every five minutes, with alice
// signed in.
func revalidated(t *testing.T) *certified {
	t.Helper()
	c := newCertified(t)
	d := certifiedDirectory(c.issuer)
	d.Workspace.SignIn.Revalidation = directory.Revalidation{Revalidate: 300, RevalidateGrace: 7200}
	if _, err := c.store.Apply(t.Context(), d, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	c.signIn(c.browser.Login("return_to=/notes"), "alice")
	c.mint()
	return c
}

func (c *certified) ended() {
	c.Helper()
	var e api.Error
	answer := c.browser.Post("/token", `{"organization":"acme"}`)
	if answer.JSON(c, &e); e.Code != api.SessionRevoked || e.Reason != "provider_refused" {
		c.Errorf("%d %s", answer.Status, answer.Body)
	}
}

// TestCertifiedProvider_Leaver: the provider replaces its refresh token four times; then
// the account is disabled.
func TestCertifiedProvider_Leaver(t *testing.T) {
	t.Parallel()
	c := revalidated(t)
	for range 4 {
		c.clock.Pass(5 * time.Minute)
		c.mint()
	}
	c.tell("disable/bob")
	c.clock.Pass(5 * time.Minute)
	c.mint()
	c.tell("disable/alice")
	c.clock.Pass(299 * time.Second)
	c.mint()
	c.clock.Pass(time.Second)
	c.ended()
}

func TestCertifiedProvider_RevokedToken(t *testing.T) {
	t.Parallel()
	c := revalidated(t)
	c.tell("revoke")
	c.clock.Pass(5 * time.Minute)
	c.ended()
}

// TestCertifiedProvider_LostAnswer: this provider takes the token of a lost answer for
// stolen. The session goes on for as long as without the provider.
func TestCertifiedProvider_LostAnswer(t *testing.T) {
	t.Parallel()
	c := revalidated(t)
	c.lose.Store(true)
	c.clock.Pass(5 * time.Minute)
	c.mint()
	if c.lose.Load() {
		t.Fatal("no answer was lost")
	}
	c.clock.Pass(114 * time.Minute)
	c.mint()
	c.clock.Pass(time.Minute)
	c.ended()
}
