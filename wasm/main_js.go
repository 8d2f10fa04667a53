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
	functions := functions(t)
	functions = append(functions, browser.Member{Name: "close", Func: browser.FuncOf(func([]browser.Value) any {
		t.Close()
		close(closed)
		return nil
	})})
	handle.Call("ready", functions)
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

// functions returns the functions that the client calls. Their names are a contract
// with clients of other releases. Arguments and results are strings; errors and
// compound results are JSON.
func functions(t *tab.Tab) browser.Functions {
	return browser.Functions{
		{"token", async(func(a arguments) (string, *tab.Error) {
			if a.text(2) == "keep" {
				return t.Renew(a.text(0), a.text(1))
			}
			return t.Credential(a.text(0), a.text(1))
		})},
		{"proof", async(func(a arguments) (string, *tab.Error) {
			return t.Proof(a.text(0), a.text(1), a.text(2))
		})},
		{"switch", async(func(a arguments) (string, *tab.Error) {
			return t.Switch(a.text(0)).JSON(), nil
		})},
		{"enter", async(func(a arguments) (string, *tab.Error) {
			return t.Enter(a.text(0)).JSON(), nil
		})},
		{"lead", async(func(a arguments) (string, *tab.Error) { return t.Address(a.text(0), a.text(1)) })},
		{"organizations", async(func(arguments) (string, *tab.Error) {
			list, err := t.Organizations()
			return tab.EncodeOrganizations(list), err
		})},
		{"accounts", async(func(arguments) (string, *tab.Error) {
			list, err := t.Accounts()
			return tab.EncodeAccounts(list), err
		})},
		{"switchAccount", async(func(a arguments) (string, *tab.Error) {
			return t.SwitchAccount(a.text(0), a.text(1)).JSON(), nil
		})},
		{"sessions", async(func(arguments) (string, *tab.Error) {
			list, err := t.Sessions()
			return tab.EncodeSessions(list), err
		})},
		{"endSession", async(func(a arguments) (string, *tab.Error) { return "", t.EndSession(a.text(0)) })},
		{"signOut", async(func(a arguments) (string, *tab.Error) { return t.SignOut(a.text(0), a.text(1)) })},
		{"signIn", async(func(a arguments) (string, *tab.Error) {
			return "", t.SignIn(a.text(0), a.text(1), tab.Hints{
				Prompt: a.text(2), LoginHint: a.text(3), Email: a.text(4), SessionCookie: a.text(5), Account: a.text(6),
			})
		})},
		{"stepUp", settled(func(a arguments) { t.StepUp(a.text(0), a.text(1), a.text(2)) })},
		{"stepUpURL", async(func(a arguments) (string, *tab.Error) {
			return t.StepUpURL(a.text(0), a.text(1), a.text(2), a.text(3)), nil
		})},
		{"signedIn", settled(func(a arguments) { t.SignedIn(a.text(0)) })},
		{"asked", settled(func(arguments) { t.OnNotJoined() })},
		{"input", fireAndForget(func(arguments) { t.OnInput() })},
		{"halt", fireAndForget(func(a arguments) { t.OnFinal(a.text(0), a.text(1)) })},
		{"hear", fireAndForget(func(a arguments) { t.OnMessage(a.text(0)) })},
		{"look", fireAndForget(func(a arguments) { t.OnVisible(a.text(0) == "online") })},
		{"hide", fireAndForget(func(arguments) { t.OnHidden() })},
		{"freeze", fireAndForget(func(arguments) { t.OnPageHide() })},
		{"thaw", fireAndForget(func(arguments) { t.OnPageShow() })},
	}
}

// arguments are those of a call by the client; one that is no string reads as empty.
type arguments []browser.Value

func (a arguments) text(i int) string {
	if i >= len(a) {
		return ""
	}
	return a[i].Text()
}

// fireAndForget wraps a function that the client does not wait for.
func fireAndForget(f func(arguments)) *browser.Func {
	return browser.FuncOf(func(args []browser.Value) any {
		go f(args)
		return nil
	})
}

// async wraps a function whose first two arguments settle a promise of the client.
func async(f func(arguments) (string, *tab.Error)) *browser.Func {
	return browser.FuncOf(func(args []browser.Value) any {
		go func() {
			result, err := f(args[2:])
			if err != nil {
				args[1].Invoke(err.JSON())
				return
			}
			args[0].Invoke(result)
		}()
		return nil
	})
}

// settled wraps a function without a result that the client waits for.
func settled(f func(arguments)) *browser.Func {
	return async(func(a arguments) (string, *tab.Error) {
		f(a)
		return "", nil
	})
}
