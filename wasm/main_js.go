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
	functions = append(functions, member("close", func([]browser.Value) any {
		t.Close()
		close(closed)
		return nil
	}))
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
		async("token", func(a arguments) (string, *tab.Error) {
			if a.text(2) == "keep" {
				return t.Renew(a.text(0), a.text(1))
			}
			return t.Credential(a.text(0), a.text(1))
		}),
		async("proof", func(a arguments) (string, *tab.Error) {
			return t.Proof(a.text(0), a.text(1), a.text(2))
		}),
		async("switch", func(a arguments) (string, *tab.Error) {
			return t.Switch(a.text(0)).JSON(), nil
		}),
		async("enter", func(a arguments) (string, *tab.Error) {
			return t.Enter(a.text(0)).JSON(), nil
		}),
		async("lead", func(a arguments) (string, *tab.Error) { return t.Address(a.text(0), a.text(1)) }),
		async("organizations", func(arguments) (string, *tab.Error) {
			list, err := t.Organizations()
			return tab.EncodeOrganizations(list), err
		}),
		async("accounts", func(arguments) (string, *tab.Error) {
			list, err := t.Accounts()
			return tab.EncodeAccounts(list), err
		}),
		async("switchAccount", func(a arguments) (string, *tab.Error) {
			return t.SwitchAccount(a.text(0), a.text(1)).JSON(), nil
		}),
		async("sessions", func(arguments) (string, *tab.Error) {
			list, err := t.Sessions()
			return tab.EncodeSessions(list), err
		}),
		async("endSession", func(a arguments) (string, *tab.Error) { return "", t.EndSession(a.text(0)) }),
		async("signOut", func(a arguments) (string, *tab.Error) { return t.SignOut(a.text(0), a.text(1)) }),
		async("signIn", func(a arguments) (string, *tab.Error) {
			return "", t.SignIn(a.text(0), a.text(1), tab.Hints{
				Prompt: a.text(2), LoginHint: a.text(3), Email: a.text(4), SessionCookie: a.text(5), Account: a.text(6),
			})
		}),
		settled("stepUp", func(a arguments) { t.StepUp(a.text(0), a.text(1), a.text(2)) }),
		async("stepUpURL", func(a arguments) (string, *tab.Error) {
			return t.StepUpURL(a.text(0), a.text(1), a.text(2), a.text(3)), nil
		}),
		settled("signedIn", func(a arguments) { t.SignedIn(a.text(0)) }),
		settled("asked", func(arguments) { t.OnNotJoined() }),
		fireAndForget("input", func(arguments) { t.OnInput() }),
		fireAndForget("halt", func(a arguments) { t.OnFinal(a.text(0), a.text(1)) }),
		fireAndForget("hear", func(a arguments) { t.OnMessage(a.text(0)) }),
		fireAndForget("look", func(a arguments) { t.OnVisible(a.text(0) == "online") }),
		fireAndForget("hide", func(arguments) { t.OnHidden() }),
		fireAndForget("freeze", func(arguments) { t.OnPageHide() }),
		fireAndForget("thaw", func(arguments) { t.OnPageShow() }),
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

func member(name string, f func([]browser.Value) any) browser.Member {
	return browser.Member{Name: name, Func: browser.FuncOf(f)}
}

// fireAndForget wraps a function that the client does not wait for.
func fireAndForget(name string, f func(arguments)) browser.Member {
	return member(name, func(args []browser.Value) any {
		go f(args)
		return nil
	})
}

// async wraps a function whose first two arguments settle a promise of the client.
func async(name string, f func(arguments) (string, *tab.Error)) browser.Member {
	return member(name, func(args []browser.Value) any {
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
func settled(name string, f func(arguments)) browser.Member {
	return async(name, func(a arguments) (string, *tab.Error) {
		f(a)
		return "", nil
	})
}
