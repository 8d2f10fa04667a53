package browserapi_test

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// histories is two people in one browser, to whom anything happens in any order: what
// backend/session/proof/model explores, drawn at random for the server itself.
type histories struct {
	*backend
	*rand.Rand
	jar    *httpbrowser.Browser
	past   []httpbrowser.Kept     // states of the jar that a crash can bring back
	late   []httpbrowser.Response // answers on their way
	people [2]*resident
	done   map[string]int
}

// resident is a person with what their tab knows.
type resident struct {
	name, user, session string
	device              *httpbrowser.Device
	cookies             []string        // of their sessions, the newest last
	left, replaced      map[string]bool // those signed out of, and those that gave way to a newer one
}

// TestP12_Accounts_RandomHistories: whatever is lost, late or brought back by a crash, a tab is
// answered for its person, who stays signed in until they sign out, and then stays out. Somebody
// with a copy of the jar and no key gets nothing and ends nothing.
func TestP12_Accounts_RandomHistories(t *testing.T) {
	total := map[string]int{}
	for seed := range uint64(4) {
		w, alice, bob := two(t)
		h := &histories{backend: w, Rand: rand.New(rand.NewPCG(20, seed)), jar: alice.On(nil), done: total}
		for i, tab := range []*personTab{alice, bob} {
			h.people[i] = &resident{name: []string{"alice", "bob"}[i], user: tab.user, session: tab.session, device: tab.Device(), left: map[string]bool{}, replaced: map[string]bool{}}
			h.people[i].found(h.jar, api.Mark(tab.session))
		}
		for range 120 {
			h.act()
		}
		if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE revoke_reason = 'reuse'`); n != 0 {
			t.Errorf("seed %d: %d sessions ended for reuse", seed, n)
		}
	}
	for _, act := range []string{"minted", "refused", "signed out", "signed in", "crashed", "lost", "late", "copied"} {
		if total[act] < 10 {
			t.Errorf("the histories have too little: %v", total)
		}
	}
}

// found notes the cookie of a session of the person's.
func (p *resident) found(jar *httpbrowser.Browser, mark string) {
	for name := range sessionCookies(jar) {
		if strings.HasSuffix(name, "."+mark) {
			p.cookies = append(p.cookies, name)
		}
	}
}

func (h *histories) act() {
	h.past = append(h.past, h.jar.Keep())
	h.past = h.past[max(0, len(h.past)-4):]
	p := h.people[h.IntN(2)]
	switch h.IntN(10) {
	case 0, 1, 2, 3:
		h.mint(p)
	case 4:
		h.signOut(p)
	case 5, 6:
		h.signIn(p)
	case 7:
		h.crash()
	case 8:
		h.copied(p)
	case 9:
		h.Pass(time.Duration(1+h.IntN(600)) * time.Second)
		if len(h.late) > 0 {
			h.jar.Receive(h.late[0])
			h.late = h.late[1:]
		}
	}
}

// send sends a request of a person's tab, and may lose its answer or keep it for later.
func (h *histories) send(p *resident, path, body string) (answer httpbrowser.Response, carried map[string]string) {
	carried = sessionCookies(h.jar)
	tab := &personTab{h.jar.Copy().On(p.device), p.user, p.session}
	answer = tab.named(p.session != "" && h.IntN(4) > 0).Post(path, body)
	switch h.IntN(4) {
	case 0:
		h.done["lost"]++
	case 1:
		h.done["late"]++
		h.late = append(h.late, answer)
	default:
		h.jar.Receive(answer)
	}
	for _, each := range h.people { // the newest of theirs may have ended the older ones
		all := each.in(carried)
		for _, name := range all[:max(0, len(all)-1)] {
			each.replaced[name] = true
		}
	}
	return answer, carried
}

// in returns the person's cookies among those of a request, the newest last.
func (p *resident) in(carried map[string]string) (all []string) {
	for _, name := range p.cookies {
		if _, there := carried[name]; there {
			all = append(all, name)
		}
	}
	return all
}

func (h *histories) mint(p *resident) {
	h.Helper()
	known := maps.Clone(p.replaced)
	answer, carried := h.send(p, "/token", `{"organization":"acme","enter":true,"user":"`+p.user+`"}`)
	living := slices.DeleteFunc(p.in(carried), func(name string) bool { return p.left[name] || known[name] })
	if answer.Status != http.StatusOK {
		h.done["refused"]++
		h.wants(answer, http.StatusUnauthorized, api.Code(answer.Code()))
		if len(living) > 0 {
			h.Fatalf("%s is signed in and was refused: %s", p.name, answer.Body)
		}
		return
	}
	h.done["minted"]++
	var minted api.TokenResponse
	if answer.JSON(h, &minted); minted.User.ID != p.user {
		h.Fatalf("a tab of %s was answered for %s", p.name, minted.User.Name)
	}
	p.session = minted.Session
	for name := range p.left {
		if strings.HasSuffix(name, "."+api.Mark(minted.Session)) {
			h.Fatalf("%s signed out, and has a token", p.name)
		}
	}
}

func (h *histories) signOut(p *resident) {
	h.Helper()
	leaving, body := []*resident{p}, `{"scope":"session","user":"`+p.user+`"}`
	everybody := h.IntN(4) == 0
	if everybody {
		leaving = h.people[:]
		other := h.people[0]
		if other == p {
			other = h.people[1]
		}
		body = `{"scope":"browser","user":"` + p.user + `","proofs":"` + other.device.Proof(h, http.MethodPost, publicURL+"/logout", h.Now()) + `"}`
	}
	answer, carried := h.send(p, "/logout", body)
	if everybody && answer.Status == http.StatusUnauthorized { // the other one alone is signed in
		return
	}
	h.ok(answer)
	h.done["signed out"]++
	for _, each := range leaving {
		for _, name := range each.in(carried) {
			each.left[name] = true
		}
	}
}

// signIn signs a person in beside the other one; the answer may be lost.
func (h *histories) signIn(p *resident) {
	h.Helper()
	h.Pass(2 * time.Second)
	before, kept := sessionCookies(h.jar), h.jar.Keep()
	own := h.jar.On(p.device)
	landed := own.Choose(own.BeginByScript(publicURL+"/login?account="+p.user), p.name)
	if landed.URL.Query().Get(api.ParamSignedIn) != p.user {
		h.Fatalf("%s was not signed in: %s", p.name, landed.URL)
	}
	h.done["signed in"]++
	for name := range sessionCookies(h.jar) {
		if _, old := before[name]; !old {
			p.cookies = append(p.cookies, name)
		}
	}
	if h.IntN(4) == 0 {
		h.done["lost"]++
		h.jar = h.browser().Restore(kept).On(nil)
	}
}

func (h *histories) crash() {
	h.done["crashed"]++
	h.jar, h.late = h.browser().Restore(h.past[h.IntN(len(h.past))]).On(nil), nil
	h.past = nil
}

// copied lets somebody with the jar, and no key of its people, ask for what they like.
func (h *histories) copied(p *resident) {
	h.Helper()
	if len(sessionCookies(h.jar)) == 0 {
		return
	}
	h.done["copied"]++
	thief := &personTab{h.jar.Copy().On(httpbrowser.NewDevice(h)), p.user, h.people[h.IntN(2)].session}
	for _, request := range []string{`/token {"organization":"acme","enter":true}`, `/logout {"scope":"session"}`, `/logout {"scope":"browser"}`} {
		path, body, _ := strings.Cut(request, " ")
		if answer := thief.named(thief.session != "" && h.IntN(2) == 0).Post(path, body); path == "/token" && answer.Status == http.StatusOK {
			h.Fatalf("a copied jar opens: %s", answer.Body)
		}
	}
}
