package browser

import (
	"context"
	"os"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

func TestMain(m *testing.M) { os.Exit(chrome.Run(m)) }

// atAcme starts a demo, and returns a tab in which alice acts for Acme.
// scripts run in its pages before their own.
func atAcme(t *testing.T, scripts ...string) (*demo.Demo, context.Context) {
	t.Helper()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	enterAcme(t, d, tab, scripts)
	return d, tab
}

// atAcmeByProxy is atAcme with a browser whose requests pass through a proxy.
func atAcmeByProxy(t *testing.T, scripts ...string) (*faultproxy.Proxy, *demo.Demo, context.Context) {
	t.Helper()
	w, d := faultproxy.New(t), demo.Start(t)
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	enterAcme(t, d, tab, scripts)
	return w, d, tab
}

func enterAcme(t *testing.T, d *demo.Demo, tab context.Context, scripts []string) {
	t.Helper()
	for _, script := range scripts {
		chrome.Before(t, tab, script)
	}
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
}
