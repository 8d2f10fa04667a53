package doctor_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/doctor"
)

// TestExports_Forgotten: an export that has not run for days is named, and one that runs
// is not, however long nothing happens.
func TestExports_Forgotten(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	const day = 24 * 3600
	for id, at := range map[string]int64{"old": now - 9*day, "young": now - 2*day} {
		if err := d.Store.RecordEvent(t.Context(), audit.Event{ID: id, At: at, Action: audit.SignIn, Outcome: audit.Done}); err != nil {
			t.Fatal(err)
		}
	}
	for name, p := range map[string]audit.Position{"archive": {}, "siem": {At: now - 9*day, ID: "old"}} {
		if err := d.Store.SetAuditExport(t.Context(), name, p); err != nil {
			t.Fatal(err)
		}
	}
	found := examine(t, doctor.Config{Database: database})
	if !strings.Contains(found, "look audit exports: archive is 9 days behind") || strings.Contains(found, "siem is") {
		t.Errorf("it found\n%s", found)
	}
}
