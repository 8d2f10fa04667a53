// Package firefox drives a real Firefox in tests, over WebDriver BiDi.
package firefox

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
)

const (
	patience = 60 * time.Second // for anything to happen
	interval = 50 * time.Millisecond
	// lookPatience is for a page that may be going away.
	lookPatience = 2 * time.Second
)

// preferences stop Firefox's own requests, so that only its pages send any.
const preferences = `user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.disable_open_during_load", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.enabled", false);
`

// Tab is a tab of a browser.
type Tab struct {
	browser *connection
	context string // the browsing context
}

// WithProxy returns the preferences of a browser that sends all requests through a
// proxy, also those to loopback.
func WithProxy(t testing.TB, proxy string) string {
	t.Helper()
	at, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", %q);
user_pref("network.proxy.http_port", %s);
user_pref("network.proxy.allow_hijacking_localhost", true);
`, at.Hostname(), at.Port())
}

// New starts a browser with a profile of its own, and further preferences, and returns
// its first tab. The browser ends with the test.
func New(t testing.TB, more ...string) *Tab {
	t.Helper()
	profile := scratch.Dir(t)
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences+strings.Join(more, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	browser, err := dial(t.Context(), start(t, profile)+"/session")
	if err != nil {
		t.Fatalf("speaking to Firefox: %v", err)
	}
	tab := &Tab{browser: browser}
	tab.call(t, "session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	all := tab.contexts(t)
	if len(all) == 0 {
		t.Fatal("Firefox has no tab")
	}
	tab.context = all[0]
	return tab
}

// contexts returns the browsing contexts of the browser's tabs.
func (tab *Tab) contexts(t testing.TB) (all []string) {
	t.Helper()
	var tree struct {
		Contexts []struct{ Context string }
	}
	tab.call(t, "browsingContext.getTree", map[string]any{"maxDepth": 0}, &tree)
	for _, c := range tree.Contexts {
		all = append(all, c.Context)
	}
	return all
}

// start runs the program and returns the address that it listens at.
func start(t testing.TB, profile string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank")
	command.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	says, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	address := make(chan string, 1)
	go listen(says, address)
	select {
	case a := <-address:
		return a
	case <-time.After(patience):
		t.Fatal("Firefox does not listen")
		return ""
	}
}

// program finds the browser by its usual names.
func program() (string, error) {
	for _, name := range []string{"firefox-esr", "firefox"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Firefox on the PATH: make test installs it")
}

// listen reads the program's output until it ends.
func listen(says io.Reader, address chan<- string) {
	for lines := bufio.NewScanner(says); lines.Scan(); {
		if _, at, found := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); found {
			address <- strings.TrimSpace(at)
		}
	}
}

func (tab *Tab) call(t testing.TB, method string, params map[string]any, result any) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := tab.browser.call(ctx, method, params, result); err != nil {
		t.Fatal(err)
	}
}

// Tab returns a new tab of the same person.
func (tab *Tab) Tab(t testing.TB) *Tab {
	t.Helper()
	var created struct{ Context string }
	tab.call(t, "browsingContext.create", map[string]any{"type": "tab"}, &created)
	return &Tab{tab.browser, created.Context}
}

// Copy opens a tab with a copy of this tab's sessionStorage and returns it.
func (tab *Tab) Copy(t testing.TB) *Tab {
	t.Helper()
	return tab.Opened(t, `void window.open(location.href)`)
}

// Opened evaluates an expression that opens a tab and returns that.
func (tab *Tab) Opened(t testing.TB, expression string) *Tab {
	t.Helper()
	before := tab.contexts(t)
	Eval[any](t, tab, expression)
	for began := time.Now(); time.Since(began) < patience; <-time.After(interval) {
		for _, context := range tab.contexts(t) {
			if !slices.Contains(before, context) {
				return &Tab{tab.browser, context}
			}
		}
	}
	t.Fatal("no tab was opened")
	return nil
}

// Before lets a script run in the tab's pages before their own.
func (tab *Tab) Before(t testing.TB, script string) {
	t.Helper()
	tab.call(t, "script.addPreloadScript", map[string]any{
		"functionDeclaration": "() => {" + script + "}", "contexts": []string{tab.context},
	}, nil)
}

// Go navigates and waits until the page has loaded.
func (tab *Tab) Go(t testing.TB, url string) {
	t.Helper()
	tab.call(t, "browsingContext.navigate", map[string]any{"context": tab.context, "url": url, "wait": "complete"}, nil)
}

// Reload reloads and waits until the page has loaded.
func (tab *Tab) Reload(t testing.TB) {
	t.Helper()
	tab.call(t, "browsingContext.reload", map[string]any{"context": tab.context, "wait": "complete"}, nil)
}

// Back goes back in the tab's history. It does not wait.
func (tab *Tab) Back(t testing.TB) {
	t.Helper()
	tab.call(t, "browsingContext.traverseHistory", map[string]any{"context": tab.context, "delta": -1}, nil)
}

// Cookies returns the names of the browser's cookies.
func (tab *Tab) Cookies(t testing.TB) []string {
	t.Helper()
	var got struct {
		Cookies []struct{ Name string }
	}
	tab.call(t, "storage.getCookies", map[string]any{"partition": map[string]any{"type": "context", "context": tab.context}}, &got)
	var names []string
	for _, c := range got.Cookies {
		names = append(names, c.Name)
	}
	return names
}

// evaluate evaluates an expression in the tab's page and returns its value as JSON, a
// promise's when it is fulfilled.
func (tab *Tab) evaluate(ctx context.Context, expression string) (string, error) {
	var got struct {
		Result struct{ Value string }
		Type   string
		Thrown struct{ Text string } `json:"exceptionDetails"`
	}
	err := tab.browser.call(ctx, "script.evaluate", map[string]any{
		"expression":   fmt.Sprintf("Promise.resolve(%s).then((value) => JSON.stringify(value ?? null))", expression),
		"target":       map[string]any{"context": tab.context},
		"awaitPromise": true,
	}, &got)
	switch {
	case err != nil:
		return "", err
	case got.Type != "success":
		return "", fmt.Errorf("%s: %s", expression, got.Thrown.Text)
	}
	return got.Result.Value, nil
}

// Eval evaluates an expression in a tab's page and returns its value, a promise's when
// it is fulfilled.
func Eval[T any](t testing.TB, tab *Tab, expression string) T {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	var value T
	text, err := tab.evaluate(ctx, expression)
	if err == nil {
		err = json.Unmarshal([]byte(text), &value)
	}
	if err != nil {
		t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

// Await waits until an expression is true in the tab's page, whichever page that is.
func (tab *Tab) Await(t testing.TB, expression string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for {
		text, err := tab.evaluateOnce(ctx, expression)
		if err == nil && text == "true" {
			return
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			t.Fatalf("awaited in vain: %s (%v)", expression, err)
		}
	}
}

// evaluateOnce evaluates a condition once; a page in the middle of a navigation may
// never answer.
func (tab *Tab) evaluateOnce(ctx context.Context, expression string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, lookPatience)
	defer stop()
	return tab.evaluate(ctx, "Boolean("+expression+")")
}

// Press waits until an element can be seen and presses it.
func (tab *Tab) Press(t testing.TB, selector string) {
	t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	tab.Await(t, element+"?.checkVisibility()")
	Eval[any](t, tab, "void setTimeout(() => "+element+".click())")
}

// Click waits until an element can be seen and clicks it with the mouse, as a person does.
func (tab *Tab) Click(t testing.TB, selector string) {
	t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	tab.Await(t, element+"?.checkVisibility()")
	at := Eval[[]int](t, tab, "(({ left, top, width, height }) => [left + width / 2, top + height / 2].map(Math.round))("+element+".getBoundingClientRect())")
	mouse := []map[string]any{{"type": "pointerMove", "x": at[0], "y": at[1]}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}}
	tab.call(t, "input.performActions", map[string]any{
		"context": tab.context, "actions": []any{map[string]any{"type": "pointer", "id": "mouse", "actions": mouse}},
	}, nil)
}

// Show brings the tab to the front.
func (tab *Tab) Show(t testing.TB) {
	t.Helper()
	tab.call(t, "browsingContext.activate", map[string]any{"context": tab.context}, nil)
}

// Type focuses an element and presses the keys of a text.
func (tab *Tab) Type(t testing.TB, selector, text string) {
	t.Helper()
	tab.Await(t, fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector))
	Eval[any](t, tab, fmt.Sprintf("void document.querySelector(%q).focus()", selector))
	var keys []map[string]any
	for _, r := range text {
		keys = append(keys, map[string]any{"type": "keyDown", "value": string(r)}, map[string]any{"type": "keyUp", "value": string(r)})
	}
	tab.call(t, "input.performActions", map[string]any{
		"context": tab.context, "actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": keys}},
	}, nil)
}
