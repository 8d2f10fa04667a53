// Package serverlog reports what a server said during a test that failed.
package serverlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	shownLines = 15
	shownBytes = 240
)

// Report prints the last lines of a server's log if the test failed, each cut to one line
// of a terminal or two: the failure that caused them stands above and has to be seen. The
// whole log is in the test's artifacts, which go test -artifacts keeps.
func Report(t testing.TB, name, log string) {
	t.Helper()
	if !t.Failed() {
		return
	}
	path := filepath.Join(t.ArtifactDir(), strings.ReplaceAll(name, "/", "_")+".log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Log(err)
	}
	t.Logf("%s said at last (whole with -artifacts):\n%s", name, last(log))
}

// last returns a log's last lines, each cut.
func last(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	lines = lines[max(0, len(lines)-shownLines):]
	for i, line := range lines {
		if len(line) > shownBytes {
			lines[i] = strings.ToValidUTF8(line[:shownBytes], "") + "…"
		}
	}
	return strings.Join(lines, "\n")
}
