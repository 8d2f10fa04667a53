//go:build long

package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
	"github.com/tabard-auth/tabard/browser_test/kit/firefox"
)

// TestP6NoFaultSignsAnyoneOutOfFirefox: Firefox reports other errors for the same
// faults.
func TestP6NoFaultSignsAnyoneOutOfFirefox(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	tab := firefoxTab{firefox.New(t, firefox.WithProxy(t, w.Address)), d}
	tab.Before(t, asleep)
	tab.signIn(t, "alice")
	tab.open(t, "acme")
	for name, fate := range faults {
		t.Run(name, func(t *testing.T) {
			token := firefox.Eval[string](t, tab.Tab, `tabard.getToken()`)
			w.Set(fate)
			if got := firefox.Eval[string](t, tab.Tab, `tabard.organizations().then(() => "a list", ({ action }) => action)`); got != "retry" && got != "stop" {
				t.Errorf("the page is told to %s", got)
			}
			if firefox.Eval[string](t, tab.Tab, `tabard.getToken()`) != token {
				t.Error("the living token is not served")
			}
			firefox.Eval[any](t, tab.Tab, `sleep(600)`)
			tab.Await(t, `tabard.state.status === "unavailable"`)
			w.Set(nil)
			tab.awaitActive(t, "acme")
		})
	}
}
