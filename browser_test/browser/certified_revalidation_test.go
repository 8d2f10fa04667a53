package browser

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
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

// TestCertifiedProvider_DownForAnHour: three people are at work while the provider cannot be
// reached. The one whose account is disabled meanwhile is out within the
// setting once it is back, and nobody else.
func TestCertifiedProvider_DownForAnHour(t *testing.T) {
	t.Parallel()
	c := revalidated(t)
	browsers := map[string]*httpbrowser.Browser{"alice": c.browser}
	for _, person := range []string{"bob", "carol"} {
		c.newBrowser()
		c.signIn(c.browser.Login("return_to=/notes"), person)
		browsers[person] = c.browser
	}
	as := func(person string) *certified {
		c.browser = browsers[person]
		return c
	}
	goOn := func(people ...string) {
		for _, person := range people {
			as(person).mint()
		}
	}
	goOn("alice", "bob", "carol")
	c.down.Store(true)
	c.tell("disable/bob")
	for range 12 {
		c.clock.Pass(5 * time.Minute)
		goOn("alice", "bob", "carol")
	}
	c.down.Store(false)
	c.clock.Pass(5 * time.Minute)
	as("bob").ended()
	goOn("alice", "carol")
	for range 3 { // and each replaces its token as before
		c.clock.Pass(5 * time.Minute)
		goOn("alice", "carol")
	}
	c.tell("disable/carol")
	c.clock.Pass(5 * time.Minute)
	as("carol").ended()
	goOn("alice")
}
