// Command wasm is the browser module. The client (js/) starts it with a handle: the
// client's options and the callbacks for results. The module registers its own
// functions and runs until it is closed.
package main

import (
	"math/rand/v2"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/browser"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// release is set by the build.
var release = "unreleased"

func main() {
	handle := browser.Global("__tabard")
	t := tab.New(config(handle.Get("options")), env(handle))
	closed := make(chan struct{})
	handle.Call("ready", browser.Functions{Names: names, Func: browser.FuncOf(func(args []browser.Value) any {
		switch name, a := args[0].Text(), args[1:]; {
		case name == "close":
			t.Close()
			close(closed)
		case !tell(t, name, a):
			go settle(t, name, a)
		}
		return nil
	})})
	t.Start()
	<-closed
}

func config(options browser.Value) tab.Config {
	return tab.Config{
		Backend:      options.Get("backend").Text(),
		Key:          options.Get("key").Text(),
		Release:      release,
		App:          options.Get("app").Text(),
		Organization: named(options.Get("organization")),
		Arrival:      api.Code(options.Get("arrival").Text()),
		Account:      options.Get("account").Text(),
		Origin:       browser.Global("location").Get("origin").Text(),
		Join:         options.Get("join").Text(),
		KeepAlive:    options.Get("keepAlive").Bool(),
	}
}

// named returns the organization that a page names. What is no text, such as a function, can be
// no organization and is denied as one.
func named(organization browser.Value) string {
	if organization.Exists() && !organization.IsText() {
		return "[not a text]"
	}
	return organization.Text()
}

func env(handle browser.Value) tab.Env {
	return tab.Env{
		Backend: browser.Backend{},
		Session: browser.NewStorage("sessionStorage"),
		Local:   browser.NewStorage("localStorage"),
		Locks:   browser.NewLocks(func(release browser.Value) { handle.Call("hold", release) }),
		Device:  browser.NewDevice(handle.Get("options").Get("key").Text()),
		Channel: channel{handle},
		Clock:   browser.Clock{},
		Page:    browser.Page{},
		Random:  rand.Uint64,
		Parse:   browser.Parse,
		Join:    func(loginURL string) { handle.Call("join", loginURL) },
		Changed: func(state string) { handle.Call("changed", state) },
	}
}

// channel sends through the client, which closes the BroadcastChannel while the page is
// in the back/forward cache: a message would evict it from there.
type channel struct{ handle browser.Value }

func (c channel) Send(message string) { c.handle.Call("send", message) }

// names are those of the functions that the client calls, a contract with clients of other
// releases. Arguments and results are strings; errors and compound results are JSON. All are one
// function of Go's, told by its first argument which one is meant: a start of the module makes no
// function of Go's for each, and calls none of what they need.
var names = []string{
	"token", "proof", "switch", "enter", "lead", "organizations", "accounts", "switchAccount", "sessions", "endSession", "signOut",
	"signIn", "stepUp", "stepUpURL", "signedIn", "asked", "input", "halt", "hear", "look", "hide", "freeze", "thaw", "close",
}

// tell calls a function that the client does not wait for. It reports whether it is one.
func tell(t *tab.Tab, name string, a arguments) bool {
	switch name {
	case "input":
		go t.OnInput()
	case "halt":
		go t.OnFinal(a.text(0), a.text(1))
	case "hear":
		go t.OnMessage(a.text(0))
	case "look":
		go t.OnVisible(a.text(0) == "online")
	case "hide":
		go t.OnHidden()
	case "freeze":
		go t.OnPageHide()
	case "thaw":
		go t.OnPageShow()
	default:
		return false
	}
	return true
}

// settle calls a function whose first two arguments settle a promise of the client.
func settle(t *tab.Tab, name string, a arguments) {
	result, err := answer(t, name, a[2:])
	if err != nil {
		a[1].Invoke(err.JSON())
		return
	}
	a[0].Invoke(result)
}

func answer(t *tab.Tab, name string, a arguments) (result string, err *tab.Error) {
	switch name {
	case "token":
		if a.text(2) == "keep" {
			return t.Renew(a.text(0), a.text(1))
		}
		return t.Credential(a.text(0), a.text(1))
	case "proof":
		return t.Proof(a.text(0), a.text(1), a.text(2))
	case "switch":
		return t.Switch(a.text(0)).JSON(), nil
	case "enter":
		return t.Enter(a.text(0)).JSON(), nil
	case "lead":
		return t.Address(a.text(0), a.text(1))
	case "organizations":
		list, err := t.Organizations()
		return tab.EncodeOrganizations(list), err
	case "accounts":
		list, err := t.Accounts()
		return tab.EncodeAccounts(list), err
	case "switchAccount":
		return t.SwitchAccount(a.text(0), a.text(1)).JSON(), nil
	case "sessions":
		list, err := t.Sessions()
		return tab.EncodeSessions(list), err
	case "endSession":
		return "", t.EndSession(a.text(0))
	case "signOut":
		return t.SignOut(a.text(0), a.text(1))
	case "signIn":
		return "", t.SignIn(a.text(0), a.text(1), tab.Hints{
			Prompt: a.text(2), LoginHint: a.text(3), Email: a.text(4), SessionCookie: a.text(5), Account: a.text(6),
		})
	case "stepUp":
		t.StepUp(a.text(0), a.text(1), a.text(2))
	case "stepUpURL":
		return t.StepUpURL(a.text(0), a.text(1), a.text(2), a.text(3)), nil
	case "signedIn":
		t.SignedIn(a.text(0))
	case "asked":
		t.OnNotJoined()
	}
	return "", nil
}

// arguments are those of a call by the client; one that is no string reads as empty.
type arguments []browser.Value

func (a arguments) text(i int) string {
	if i >= len(a) {
		return ""
	}
	return a[i].Text()
}
