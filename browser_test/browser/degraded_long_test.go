//go:build long

package browser

import (
	"fmt"
	"testing"
)

// moreDegraded lists browsers that lack a feature, beside degraded.
var moreDegraded = map[string]string{
	"no IndexedDB":                    `Object.defineProperty(globalThis, "indexedDB", { value: undefined });`,
	"localStorage blocked":            blocked("localStorage"),
	"Web Locks that never answer":     `LockManager.prototype.request = () => new Promise(() => {});`,
	"no BroadcastChannel":             `delete globalThis.BroadcastChannel;`,
	"localStorage full":               full("localStorage"),
	"sessionStorage without any room": full("sessionStorage"),
}

// full returns a script that makes writing to a storage area throw.
func full(area string) string {
	return fmt.Sprintf(`Storage.prototype.setItem = new Proxy(Storage.prototype.setItem, { apply(f, area, args) { if (area === %s) throw new DOMException("full", "QuotaExceededError"); return Reflect.apply(f, area, args); } });`, area)
}

// TestP1ABrowserThatLacksSomethingElse is
// TestP1ABrowserThatLacksSomethingServesEachTabStill with more browsers.
func TestP1ABrowserThatLacksSomethingElse(t *testing.T) {
	t.Parallel()
	eachTabIsServed(t, moreDegraded)
}
