package chrome

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// reportLines is the number of a tab's last console lines that a failed test prints.
const reportLines = 40

// console keeps the last lines that a tab wrote, uncaught exceptions among them.
type console struct {
	mu    sync.Mutex
	lines []string
}

// report prints, if the test fails, a tab's console, its exceptions, the client's state
// and the path of a screenshot.
func report(t testing.TB, tab context.Context) {
	t.Helper()
	c := &console{}
	if err := listenTo(tab, c); err != nil {
		t.Fatalf("listening to the console: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.say(tab, t.Name()))
		}
	})
}

func listenTo(tab context.Context, c *console) error { return chromedp.Listen(tab, c.listen) }

// listen implements the listener of [chromedp.Listen].
func (c *console) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, a := range e.Args {
			words = append(words, cmp.Or(string(a.Value), a.Description, string(a.UnserializableValue)))
		}
		c.add(fmt.Sprintf("%s: %s", e.Type, strings.Join(words, " ")))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		c.add("exception: " + text)
	case *cdplog.EventEntryAdded:
		c.add(fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	}
}

func (c *console) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
	c.lines = c.lines[max(0, len(c.lines)-reportLines):]
}

func (c *console) say(tab context.Context, test string) string {
	ctx, stop := context.WithTimeout(tab, lookTimeout)
	defer stop()
	var said strings.Builder
	page, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\ntabard.state: " + JSON.stringify(globalThis.tabard?.state ?? null)`))
	if err != nil {
		page = fmt.Sprintf("the page does not answer: %v", err)
	}
	fmt.Fprintf(&said, "a tab of this test, at %s\nscreenshot: %s\nconsole:\n", page, screenshot(ctx, test))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.lines {
		fmt.Fprintf(&said, "\t%s\n", line)
	}
	return said.String()
}

// screenshot writes a picture of the tab and returns the file's path, or why it could
// not.
func screenshot(ctx context.Context, test string) string {
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Sprintf("none (%v)", err)
	}
	name := strings.NewReplacer("/", "-", " ", "-").Replace(test)
	path := filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d.png", name, time.Now().UnixNano()))
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return fmt.Sprintf("none (%v)", err)
	}
	return path
}

// Console is what a tab wrote on its console since [Watch].
type Console struct{ console }

// Watch watches a tab's console.
func Watch(t testing.TB, tab context.Context) *Console {
	t.Helper()
	c := &Console{}
	if err := listenTo(tab, &c.console); err != nil {
		t.Fatalf("listening to the console: %v", err)
	}
	return c
}

// Lines returns the last lines that begin with one of the prefixes, such as "error: ".
func (c *Console) Lines(prefixes ...string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, line := range c.lines {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
