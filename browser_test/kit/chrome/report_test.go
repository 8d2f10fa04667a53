package chrome

import (
	"os"
	"strings"
	"testing"
)

// TestReport_DescribesTheTab reads the report that a failed test would print.
func TestReport_DescribesTheTab(t *testing.T) {
	tab := New(t)
	c := &console{}
	if err := listenTo(tab, c); err != nil {
		t.Fatal(err)
	}
	Go(t, tab, `data:text/html,<script>tabard = {state: {status: "active"}}; console.warn("careful", 2); setTimeout(() => { throw new Error("broken") })</script>`)
	Await(t, tab, `document.readyState === "complete"`)
	Await(t, tab, `new Promise((done) => setTimeout(done, 50, true))`)
	said := c.say(tab, t.Name())
	for _, part := range []string{`tabard.state: {"status":"active"}`, `warning: "careful" 2`, "exception: Uncaught Error: broken"} {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %s:\n%s", part, said)
		}
	}
	_, path, _ := strings.Cut(said, "screenshot: ")
	path, _, _ = strings.Cut(path, "\n")
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("no screenshot at %q: %v", path, err)
	}
	os.Remove(path)
}
