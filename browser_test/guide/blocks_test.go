package guide

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// notFound notes each command that a block tries, which all fail.
const notFound = `command_not_found_handle() { echo "$1" >> tried; return 127; }
`

// TestGuide_BlocksStopAtTheFirstFailure pastes each block of the operators' guides where
// no command succeeds: nothing after the first one is tried.
func TestGuide_BlocksStopAtTheFirstFailure(t *testing.T) {
	pasted := 0
	for _, from := range []struct{ document, language string }{
		{"backend/README.md", "bash"}, {"backend/deploy/README.md", "bash"}, {"backend/deploy/README.md", "sh"}, {"worker/README.md", "sh"},
	} {
		for _, block := range blocks(t, from.document, from.language) {
			folder := t.TempDir()
			command := exec.Command("/bin/bash", "-c", notFound+block)
			command.Dir, command.Env = folder, []string{"PATH=/absent"}
			command.Run()                                           // it fails
			tried, _ := os.ReadFile(filepath.Join(folder, "tried")) // none of a block that stops before
			if strings.Count(string(tried), "\n") > 1 {
				t.Errorf("%s: it tries %v of\n%s", from.document, strings.Fields(string(tried)), block)
			}
			pasted++
		}
	}
	if pasted < 15 {
		t.Errorf("only %d blocks were found", pasted)
	}
}
