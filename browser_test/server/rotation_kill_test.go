package server

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestSigningKeys_KilledCommand kills the commands that rotate and
// retire at random moments. After each kill, one key signs next, at most one waits for
// its turn, every key can be decrypted, and the audit log records each change.
func TestSigningKeys_KilledCommand(t *testing.T) {
	secret, secretFile := secretFile(t)
	database := filepath.Join(t.TempDir(), "tabard.db")
	store, err := sqlite.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	signs := func() signingkey.Key { // for a replica that has just started
		k, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(t.Context(), "", 0, time.Now().Unix())
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	signing, tabard := signs(), program.Path(t, "tabard")
	run := func(patience time.Duration, args ...string) (took time.Duration) {
		begun := time.Now()
		killed(t, patience, tabard, append([]string{"signing-keys"}, append(args, "--database", "sqlite:"+database)...)...)
		return time.Since(begun)
	}
	made, usual := map[string]bool{}, time.Duration(0)
	for i := range 24 {
		if i%6 == 0 { // as long as the busy machine needs now
			usual = run(time.Minute, "retire", signing.ID)
			signing = signs()
		}
		patience := time.Duration(rand.Int64N(int64(2 * usual)))
		if i%3 == 2 {
			run(patience, "retire", signing.ID)
		} else {
			run(patience, "rotate", "--now", "--secret-file", secretFile)
		}
		chain, err := store.SigningKeys(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		count := stages(chain, time.Now().Unix())
		if count[signingkey.Signing] > 1 || count[signingkey.Prepared] > 1 {
			t.Fatalf("%v in %+v", count, chain)
		}
		for _, k := range chain {
			made["made:"+k.ID] = true
		}
		signing = signs()
	}
	events := auditEvents(t, store)
	for _, e := range events {
		delete(made, e.ID)
	}
	if len(made) != 0 || len(events) < 3 {
		t.Errorf("of %d events none tells of %v", len(events), made)
	}
	t.Logf("a command takes %v; %d events", usual, len(events))
}

// auditEvents returns the audit events of a store's signing keys.
func auditEvents(t *testing.T, store *sqlstore.Store) []audit.Event {
	t.Helper()
	if err := store.FollowUpSigningKeys(t.Context(), 0, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	events, err := store.Events(t.Context(), audit.Query{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// killed runs a program and kills it when patience is over.
func killed(t *testing.T, patience time.Duration, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { command.Process.Kill() })
	command.Wait()
	kill.Stop()
}

// stages counts a chain's keys by their stage.
func stages(chain signingkey.Chain, now int64) map[signingkey.Stage]int {
	count := map[signingkey.Stage]int{}
	for i := range chain {
		count[chain.Stage(i, now)]++
	}
	return count
}

// secretFile returns a new secret and a file that holds it.
func secretFile(t *testing.T) (signingkey.Secret, string) {
	t.Helper()
	secret, text := signingkey.NewSecret()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret, file
}
