package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestSourceMap_IsNotLoaded by people.
func TestSourceMap_IsNotLoaded(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.New(t)
	d.SignIn(t, tab, "alice")
	if got := chrome.Eval[string](t, tab, `performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.endsWith(".map")).join()`); got != "" {
		t.Errorf("loaded %s", got)
	}
}
