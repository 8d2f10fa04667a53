package guide

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// TestGuide_TheWorkersWorkspaceApplies as it stands.
func TestGuide_TheWorkersWorkspaceApplies(t *testing.T) {
	applied := 0
	for _, block := range blocks(t, "worker/README.md", "yaml") {
		desired, err := workspacefile.Parse([]byte(block))
		if err != nil {
			t.Errorf("%v\n%s", err, block)
			continue
		}
		if script, err := sqlstore.Script(desired, 1); err != nil || !strings.Contains(script, "248289761001") {
			t.Errorf("%v\n%s", err, script)
		}
		applied++
	}
	if applied != 1 {
		t.Errorf("the guide has %d workspace files", applied)
	}
}
