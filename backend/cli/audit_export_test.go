package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

func trail(t *testing.T, events int) (file string, store *sqlstore.Store) {
	t.Helper()
	file = t.TempDir() + "/tabard.db"
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for i := range events {
		record(t, store, i)
	}
	return file, store
}

func record(t *testing.T, store *sqlstore.Store, i int) {
	t.Helper()
	e := audit.Event{ID: fmt.Sprintf("e%04d", i), At: 1_700_000_000 + int64(i/7), Action: audit.SignIn, Outcome: audit.Done, Actor: "usr_1"}
	if err := store.RecordEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// exported runs tabard audit export, and returns the ids that it writes.
func exported(t *testing.T, file string, args ...string) (ids []string) {
	t.Helper()
	var out bytes.Buffer
	command := newCommand()
	command.SetOut(&out)
	command.SetArgs(append([]string{"audit", "export", "--database", "sqlite:" + file}, args...))
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var e struct {
			ID, Action string
			At         int64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Action != "sign_in" || e.At < 1_700_000_000 {
			t.Fatalf("%v: %s", err, line)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func numbered(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("e%04d", i))
	}
	return ids
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s: %d events, want %d", what, len(got), len(want))
	}
}

func TestAuditExport_GoesOnWhereItEnded(t *testing.T) {
	file, store := trail(t, 2345)
	same(t, "all", exported(t, file), numbered(0, 2345))
	same(t, "all again", exported(t, file), numbered(0, 2345))
	same(t, "by name", exported(t, file, "--name", "siem"), numbered(0, 2345))
	same(t, "by name again", exported(t, file, "--name", "siem"), nil)
	for i := 2345; i < 2350; i++ {
		record(t, store, i)
	}
	same(t, "what came since", exported(t, file, "--name", "siem"), numbered(2345, 2350))
	same(t, "another name", exported(t, file, "--name", "other"), numbered(0, 2350))
	young := audit.Event{ID: "young", At: time.Now().Unix(), Action: audit.SignIn, Outcome: audit.Done}
	if err := store.RecordEvent(t.Context(), young); err != nil {
		t.Fatal(err)
	}
	same(t, "what may not be committed", exported(t, file, "--name", "siem"), nil)
	if _, any, err := store.ExportedUntil(t.Context()); err != nil || !any {
		t.Errorf("it keeps nothing: %v", err)
	}
	exported(t, file, "--name", "siem", "--end")
	exported(t, file, "--name", "other", "--end")
	if _, any, err := store.ExportedUntil(t.Context()); err != nil || any {
		t.Errorf("it keeps events for nobody: %v", err)
	}
}

// full takes so many bytes, and then no more.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, fmt.Errorf("no space left on device")
	}
	return len(p), nil
}

// An event that could not be written is written the next time.
func TestAuditExport_WriteFails(t *testing.T) {
	file, store := trail(t, 1500)
	err := export{store, "siem", &full{100_000}, time.Now().Unix()}.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("the error is %v", err)
	}
	same(t, "the rest", exported(t, file, "--name", "siem"), numbered(1000, 1500))
}

// TestAuditExports_Behind: an export that runs no more is seen, by its name.
func TestAuditExports_Behind(t *testing.T) {
	file, store := trail(t, 20)
	list := func(args ...string) string {
		t.Helper()
		out, _, err := tabard(t, append([]string{"audit", "exports", "--database", "sqlite:" + file}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if said := list(); said != "There are no named exports.\n" {
		t.Errorf("it says %q", said)
	}
	exported(t, file, "--name", "archive")
	record(t, store, 40)
	exported(t, file, "--name", "siem")
	if said := list(); !regexp.MustCompile(`(?m)^NAME +LAST EVENT +BEHIND BY\narchive +2023-11-14 22:13Z +\d+ days\nsiem +2023-11-14 22:13Z +-$`).MatchString(said) {
		t.Errorf("it says %s", said)
	}
	if said := list("--json"); !strings.Contains(said, `"last_event": 1700000005,`) || !strings.Contains(said, `"behind_seconds": 0`) {
		t.Errorf("it says %s", said)
	}
}
