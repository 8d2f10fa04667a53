//go:build long

package browser

import (
	"encoding/json"
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/debugger"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestSourceMap_DebuggerSeesTheSources: of the client and its chunks, and a page does not load
// the maps.
func TestSourceMap_DebuggerSeesTheSources(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.New(t)
	var mu sync.Mutex
	scripts := map[string]string{} // address of the map, by the script's
	err := chromedp.Listen(tab, func(event any) {
		if e, ok := event.(*debugger.EventScriptParsed); ok && strings.Contains(e.URL, "/client/") {
			mu.Lock()
			defer mu.Unlock()
			scripts[e.URL] = e.SourceMapURL
		}
	})
	if err == nil {
		_, err = chromedp.Call(tab, debugger.Enable, debugger.EnableParams{})
	}
	if err != nil {
		t.Fatal(err)
	}
	d.SignIn(t, tab, "alice")
	mu.Lock()
	defer mu.Unlock()
	mapped := 0
	for script, sourceMap := range scripts {
		if name := path.Base(script); strings.HasPrefix(name, "exec.") || path.Ext(name) == ".wasm" {
			continue
		} else if sourceMap != name+".map" {
			t.Errorf("the map of %s is %q", script, sourceMap)
			continue
		}
		mapped++
		var content struct{ Sources, SourcesContent []string }
		if err := json.Unmarshal([]byte(chrome.Eval[string](t, tab, `fetch("`+script+`.map").then((r) => r.text())`)), &content); err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		for i, source := range content.Sources {
			if strings.HasPrefix(source, "<") {
				continue
			}
			if want, err := os.ReadFile("../../js/" + source); err != nil || content.SourcesContent[i] != string(want) {
				t.Errorf("%s: %s is another file (%v)", script, source, err)
			}
		}
	}
	if mapped < 2 {
		t.Errorf("the page loaded %v", scripts)
	}
}
