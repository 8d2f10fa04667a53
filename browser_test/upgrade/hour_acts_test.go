//go:build long

package upgrade

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
)

var everybody = []string{"alice", "dora", "ina", "steve", "max", "oscar", "rita"}

// people are the browsers of a rolling upgrade, one of each person.
type people struct {
	*rolling
	tabs     map[string]*httpbrowser.Browser
	subjects map[string]string
	role     string    // of everybody, as the file says
	active   time.Time // when ina last did something
	removed  bool      // max is kept out of acme, and rita is no member of globex
}

// signEverybodyIn signs people in at whichever release serves.
func (r *rolling) signEverybodyIn() *people {
	p := &people{rolling: r, tabs: map[string]*httpbrowser.Browser{}, subjects: map[string]string{}, role: "viewer"}
	for _, person := range everybody {
		p.signIn(person, r.any())
	}
	p.enter("alice", "globex")
	p.enter("dora", "globex")
	p.enter("ina", "lamna")
	p.tabard(last, "members", "admit", "--organization", "globex", "--role", p.role, "--user", p.subjects["rita"])
	p.enter("rita", "globex")
	return p
}

// signIn signs a person in at a release, in a browser of their own, and enters acme. Only
// dora's browser keeps a device key.
func (p *people) signIn(person, which string) {
	p.Helper()
	tab := p.tabs[person]
	if tab == nil {
		tab = httpbrowser.New(p, p.origin, p.origin+"/auth")
		tab.Now = p.clock.Now
		if person == "dora" {
			tab = tab.On(httpbrowser.NewDevice(p))
		}
		p.tabs[person] = tab
	}
	p.by(which, func() {
		if person == "dora" {
			tab.Get("/session") // brings the nonce
		}
		if which == last {
			tab.Choose(tab.Login(""), person)
		} else {
			tab.SignIn(person)
		}
	})
	p.enter(person, "acme")
}

func (p *people) enter(person, organization string) {
	p.Helper()
	p.mint(person, organization, `{"organization":"`+organization+`","enter":true}`)
}

func (p *people) renew(person, organization string) {
	p.Helper()
	p.mint(person, organization, `{"organization":"`+organization+`"}`)
}

// mint asks for a token and fails the test unless it is of that organization and person,
// with the role that the file says.
func (p *people) mint(person, organization, body string) {
	p.Helper()
	before := p.tabs[person].Cookies()
	got := p.ask(p.tabs[person], "/token", body)
	var answer api.TokenResponse
	if got.Status != http.StatusOK {
		p.Errorf("%s at %s: %d %s; answered by %v", person, organization, got.Status, got.Body, p.answered[max(0, len(p.answered)-12):])
		return
	}
	got.JSON(p, &answer)
	var claims struct {
		Subject      string   `json:"sub"`
		Organization string   `json:"org_slug"`
		Roles        []string `json:"roles"`
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(answer.AccessToken, ".")[1])
	if err := json.Unmarshal(payload, &claims); err != nil {
		p.Fatal(err)
	}
	if p.subjects[person] == "" {
		p.subjects[person] = claims.Subject
	}
	if claims.Organization != organization || answer.Organization.Slug != organization || claims.Subject != p.subjects[person] {
		p.Errorf("%s at %s got a token of %s at %s", p.subjects[person], organization, claims.Subject, claims.Organization)
	}
	if !slices.Equal(claims.Roles, []string{p.role}) && !(person == "rita" && organization == "globex") { // which no file names
		p.Errorf("%s has the roles %v, and the file says %s", person, claims.Roles, p.role)
	}
	p.mints++
	for name, value := range p.tabs[person].Cookies() {
		if strings.Contains(name, ".web.") && before[name] != "" && before[name] != value {
			p.rotations++
			break
		}
	}
}

// work is what people do in a minute, each act at a release of chance.
func (p *people) work(minute int) {
	for _, person := range []string{"alice", "dora"} {
		p.renew(person, "acme")
		p.renew(person, "globex")
		if minute%7 == 0 {
			p.enter(person, "globex") // a switch and back
			p.enter(person, "acme")
		}
	}
	p.renew("steve", "acme")
	p.idle(minute)
	if minute%11 == 3 {
		p.stepUp()
	}
	if minute%5 == 2 {
		p.leaveOrReturn()
	}
	if minute%9 == 4 {
		p.signOut(minute)
	}
	if minute%13 == 6 {
		p.role = map[string]string{"viewer": "editor", "editor": "viewer"}[p.role]
		p.apply(p.any(), p.role)
	}
}

// idle has ina work at lamna for a while, and then be away until the idle limit ends it.
func (p *people) idle(minute int) {
	const limit = 20 * time.Minute
	if minute%30 < 8 {
		p.active = p.clock.Now()
	}
	away := p.clock.Now().Sub(p.active)
	body := fmt.Sprintf(`{"organization":"lamna","idle_seconds":%d}`, int(away.Seconds()))
	switch {
	case away < limit-time.Minute:
		p.mint("ina", "lamna", body)
	case away < limit+30*time.Second: // the test's own time counts too
	case minute%30 == 29: // back, before the next round
		p.refused(p.ask(p.tabs["ina"], "/token", body), api.OrganizationSessionExpired)
		p.renew("ina", "acme") // the other organization goes on
		p.raise("ina", "lamna", nil)
	default:
		p.refused(p.ask(p.tabs["ina"], "/token", body), api.OrganizationSessionExpired)
	}
}

// raise enters an organization by the sign-in that it asks for.
func (p *people) raise(person, organization string, claims func(map[string]any)) {
	p.Helper()
	tab := p.tabs[person]
	refused := p.ask(tab, "/token", `{"organization":"`+organization+`","enter":true}`)
	var said struct {
		LoginURL string `json:"login_url"`
	}
	if refused.JSON(p, &said); said.LoginURL == "" {
		p.Errorf("%s asks for no sign-in: %d %s", organization, refused.Status, refused.Body)
		return
	}
	p.provider.Claims = claims
	defer func() { p.provider.Claims = nil }()
	p.by(p.any(), func() { tab.Choose(tab.Follow(said.LoginURL+"&return_to=/"), person) })
	p.enter(person, organization)
}

// stepUp has steve enter the bank, which asks for a second factor, and leave it.
func (p *people) stepUp() {
	p.raise("steve", "bank", func(claims map[string]any) { claims["acr"] = "urn:tabard:mfa" })
	p.renew("steve", "bank")
	p.renew("steve", "acme") // goes on in the session that the step-up began
	if got := p.ask(p.tabs["steve"], "/logout", `{"scope":"organization","organization":"bank"}`); got.Status != http.StatusOK {
		p.Errorf("%d %s", got.Status, got.Body)
	}
	p.refused(p.ask(p.tabs["steve"], "/token", `{"organization":"bank"}`), api.OrganizationSessionExpired)
	p.tabs["steve"] = nil // and back to one factor
	p.signIn("steve", p.any())
}

// leaveOrReturn has max be kept out of acme and rita removed from globex, or let in again:
// their organization sessions of before have ended.
func (p *people) leaveOrReturn() {
	commands, code := [][]string{{"enable", p.subjects["max"]}, {"admit", "--role", p.role, "--user", p.subjects["rita"]}}, api.OrganizationSessionExpired
	if p.removed = !p.removed; p.removed {
		commands, code = [][]string{{"disable", p.subjects["max"]}, {"remove", p.subjects["rita"]}}, api.OrganizationAccessDenied
	}
	for i, at := range []struct{ person, organization string }{{"max", "acme"}, {"rita", "globex"}} {
		p.tabard(p.any(), append(append([]string{"members"}, commands[i]...), "--organization", at.organization)...)
		for range 4 {
			p.refused(p.ask(p.tabs[at.person], "/token", `{"organization":"`+at.organization+`"}`), code)
		}
		if !p.removed {
			p.enter(at.person, at.organization)
		}
	}
}

// signOut has oscar sign out at one release, and in again at the other. A copy of the
// cookie is worth nothing.
func (p *people) signOut(minute int) {
	copied := p.tabs["oscar"].Copy()
	if got := p.ask(p.tabs["oscar"], "/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
		p.Errorf("%d %s", got.Status, got.Body)
	}
	for range 4 {
		p.refused(p.ask(p.tabs["oscar"], "/token", `{"organization":"acme"}`), api.LoginRequired, api.SessionRevoked)
		p.refused(p.ask(copied, "/token", `{"organization":"acme"}`), api.LoginRequired, api.SessionRevoked)
	}
	which := p.any()
	if p.servers[last] != nil && p.servers[release.This] != nil {
		which = []string{last, release.This}[minute/9%2]
	}
	p.signIn("oscar", which)
}
