package chrome

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Close ends a browser as a person does: it writes all pending data to its profile
// first. tab is the first tab.
func Close(t testing.TB, tab context.Context) {
	t.Helper()
	if err := chromedp.Cancel(tab); err != nil {
		t.Fatalf("closing Chromium: %v", err)
	}
}

// Kill ends a browser as a crash does, with all its processes (SIGKILL), and
// returns when they are gone. tab is the first tab.
func Kill(t testing.TB, tab context.Context) {
	t.Helper()
	browser := chromedp.FromContext(tab).Browser
	for _, pid := range family(browser.Process().Pid) {
		if process, err := os.FindProcess(pid); err == nil {
			process.Kill()
		}
	}
	<-tab.Done()
}

// family returns a process and its descendants, the parents first (proc(5)).
func family(pid int) []int {
	all := []int{pid}
	children, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, file := range children {
		text, _ := os.ReadFile(file)
		for child := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(child); err == nil {
				all = append(all, family(pid)...)
			}
		}
	}
	return all
}

// Renderers returns how many processes a browser's pages live in, and the memory, in
// bytes, that each of them has for itself and would give back with its end.
func Renderers(tab context.Context) (processes int, memory int64) {
	for _, pid := range family(chromedp.FromContext(tab).Browser.Process().Pid) {
		folder := "/proc/" + strconv.Itoa(pid)
		command, _ := os.ReadFile(folder + "/cmdline")
		if !strings.Contains(string(command), "--type=renderer") {
			continue
		}
		processes++
		rollup, _ := os.ReadFile(folder + "/smaps_rollup")
		memory += private(string(rollup))
	}
	return processes, memory
}

// private sums the lines "Private_Clean:  1234 kB" and "Private_Dirty:  1234 kB".
func private(rollup string) (bytes int64) {
	for line := range strings.Lines(rollup) {
		if fields := strings.Fields(line); len(fields) == 3 && strings.HasPrefix(fields[0], "Private_") && fields[0] != "Private_Hugetlb:" {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
			bytes += kilobytes << 10
		}
	}
	return bytes
}

// SetCookies gives a tab's browser cookies that another browser has at a URL.
func SetCookies(t testing.TB, tab context.Context, url string, cookies []*network.Cookie) {
	t.Helper()
	for _, c := range cookies {
		_, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: url, Path: c.Path,
			Secure: &c.Secure, HTTPOnly: &c.HTTPOnly, SameSite: c.SameSite, SourceScheme: c.SourceScheme,
		})
		if err != nil {
			t.Fatalf("setting the cookie %s: %v", c.Name, err)
		}
	}
}

// ForgetCookies makes a tab's browser forget the cookies of a URL.
func ForgetCookies(t testing.TB, tab context.Context, url string) {
	t.Helper()
	for _, c := range Cookies(t, tab, url) {
		if _, err := chromedp.Call(tab, network.DeleteCookies, network.DeleteCookiesParams{Name: c.Name, URL: url}); err != nil {
			t.Fatalf("forgetting the cookie %s: %v", c.Name, err)
		}
	}
}
