//go:build long

package browser

import (
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// TestModule_OtherContentType: a proxy that changes the module's content type does not
// keep it from running.
func TestModule_OtherContentType(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	module := assets(t)["the module"]
	for _, kind := range []string{"application/octet-stream", "application/wasm; charset=utf-8"} {
		t.Run(kind, func(t *testing.T) {
			awaitLoaded(t, loading(t, w, d, module, faultproxy.Answer(http.StatusOK, readAsset(t, module), "Content-Type", kind)))
		})
	}
}

// TestModule_ScriptOfAnotherRelease: the page's script is from before
// the upgrade, or from another replica, and the person sees no error.
func TestModule_ScriptOfAnotherRelease(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	face := readAsset(t, "tabard.js")
	for _, asset := range assets(t) {
		name := path.Base(asset)
		hash := strings.Split(name, ".")[1]
		face = strings.ReplaceAll(face, name, strings.Replace(name, hash, "0123456789abcdef", 1))
	}
	awaitLoaded(t, loading(t, w, d, "/auth/client/tabard.js", faultproxy.Answer(http.StatusOK, face, "Content-Type", "text/javascript")))
}
