package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
)

// replacing is a workspace whose secret is being replaced.
type replacing struct {
	*testing.T
	store *sqlstore.Store
	r     replacement
	now   int64
}

func newReplacing(t *testing.T) *replacing {
	t.Helper()
	folder := t.TempDir()
	p := &replacing{T: t, now: storetest.Now}
	p.r.database, p.r.secretFile = "sqlite:"+filepath.Join(folder, "tabard.db"), filepath.Join(folder, "secret")
	if err := makeSecret(p.r.secretFile); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.store, err = sqlite.Open(t.Context(), filepath.Join(folder, "tabard.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Close() })
	_, err = p.store.Apply(t.Context(), storetest.Desired(), p.now)
	p.must(err)
	return p
}

func (p *replacing) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *replacing) secret() signingkey.Secret {
	p.Helper()
	secret, err := readSecret(p.r.secretFile)
	p.must(err)
	return secret
}

// restart starts replicas with the secret file as it is.
func (p *replacing) restart(replicas ...string) {
	p.Helper()
	ids, err := p.secret().IDs()
	p.must(err)
	for _, name := range replicas {
		for _, other := range []string{"", "'", "''", "'''"} {
			p.must(p.store.RecordShutdown(p.Context(), name+other, p.now))
		}
	}
	for _, name := range replicas {
		p.must(p.store.RecordSecretKeys(p.Context(), name+strings.Repeat("'", int(p.now-storetest.Now)/100_000), ids, p.now, p.now))
	}
}

// does fails the test unless the next step is done, and says something.
func (p *replacing) does(says string) {
	p.Helper()
	var out strings.Builder
	if err := p.r.rotate(p.Context(), &out, p.now); err != nil || !strings.Contains(out.String(), says) {
		p.Fatalf("%v: %s", err, out.String())
	}
	if info, err := os.Stat(p.r.secretFile); err != nil || info.Mode().Perm() != 0o600 {
		p.Errorf("the file is %v: %v", info.Mode(), err)
	}
}

// refuses fails the test unless the next step is not done for those reasons and no others,
// and the file stays as it is.
func (p *replacing) refuses(reasons ...string) {
	p.Helper()
	before, err := os.ReadFile(p.r.secretFile)
	p.must(err)
	err = p.r.rotate(p.Context(), &strings.Builder{}, p.now)
	if err == nil || strings.Count(err.Error(), "\n  - ") != len(reasons) {
		p.Fatalf("%v, not %q", err, reasons)
	}
	for _, reason := range reasons {
		if !strings.Contains(err.Error(), reason) {
			p.Errorf("%v does not tell %q", err, reason)
		}
	}
	if after, err := os.ReadFile(p.r.secretFile); err != nil || string(after) != string(before) {
		p.Errorf("the file was changed: %v", err)
	}
}

func TestTheSecretIsReplacedInThreeStepsNoneTooEarly(t *testing.T) {
	p := newReplacing(t)
	old := p.secret()
	// Keys that are made and sealed under the old value.
	_, err := signingkey.NewKeyRing(p.store, old, signingkey.ES256).Signing(t.Context(), "", 0, p.now)
	p.must(err)
	sealer := old.Sealer(signingkey.ForConnections)
	p.must(p.store.CreateConnection(t.Context(), directory.Connection{
		ID: "con_1", OrganizationID: "org_acme", Issuer: "https://login.acme.test", ClientID: "tabard", SealedSecret: sealer.Seal([]byte("hunter2"), "con_1"),
	}, p.now))
	p.must(p.store.AddKey(t.Context(), admin.Key{ID: "key_1", Name: "billing", Kind: admin.Administration, Hash: "old", CreatedAt: p.now, CreatedBy: "x"}))
	alice, err := p.store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "https://id.test", Subject: "alice"}, p.now)
	p.must(err)
	_, row := session.First(session.ID{1}, session.NewTokenID(), p.now)
	p.must(p.store.Create(t.Context(), session.Session{
		ID: session.ID{1}, App: "app", UserID: alice.ID, Secret: session.NewSecret(), Row: row,
		CreatedAt: p.now, ExpiresAt: p.now + 250_000, SignIn: policy.Authentication{Time: p.now}, Attempt: "1",
	}))

	p.restart("a", "b")
	p.does("Step 1 of 3 is done")
	both := p.secret()
	p.refuses("replica a does not have the new secret", "replica b does not have")
	p.now += 100_000
	p.restart("a")
	p.must(p.store.RecordSecretKeys(t.Context(), "b", mustIDs(t, old), p.now, p.now))
	p.refuses("replica b does not have")
	p.restart("b")
	p.does("Step 2 of 3 is done")
	if was, is := mustIDs(t, both), mustIDs(t, p.secret()); was[0] != is[1] || was[1] != is[0] {
		t.Errorf("the values are %v, and were %v", is, was)
	}

	p.refuses("replica a' does not use the new secret", "replica b' does not use")
	p.now += 100_000
	p.restart("a", "b")
	p.refuses("sign-ins that began under the old secret may be under way", "1 live sessions began under the old secret", "signing keys are sealed under the old secret", "key_1 (billing)")
	c, err := p.store.Connection(t.Context(), "con_1")
	p.must(err)
	if plain, err := p.secret().Newest().Sealer(signingkey.ForConnections).Open(c.SealedSecret, "con_1"); err != nil || string(plain) != "hunter2" {
		t.Errorf("the client secret of the connection is %q: %v", plain, err)
	}
	ring := signingkey.NewKeyRing(p.store, p.secret(), signingkey.ES256)
	chain, err := p.store.SigningKeys(t.Context(), "")
	p.must(err)
	p.must(ring.Rotate(t.Context(), "", chain, 0, p.now))
	p.must(p.store.UseKey(t.Context(), "key_1", "new", p.now+2000))

	p.now += 99_000
	p.restart("a", "b")
	p.does("Step 3 of 3 is done")
	if ids := mustIDs(t, p.secret()); len(ids) != 1 || ids[0] != mustIDs(t, both)[1] {
		t.Errorf("the values are %v", ids)
	}
	seen, err := p.store.SecretKey(t.Context(), mustIDs(t, old)[0])
	p.must(err)
	if signingkey.UsageOf(seen, p.now) != signingkey.Retired {
		t.Errorf("the old value is not retired: %+v", seen)
	}
}

func mustIDs(t *testing.T, s signingkey.Secret) []string {
	t.Helper()
	ids, err := s.IDs()
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestAStepThatIsNotSafeIsForcedByWhoeverSaysSo(t *testing.T) {
	p := newReplacing(t)
	p.restart("a")
	p.does("Step 1 of 3")
	p.refuses("replica a does not have")
	p.r.force = true
	p.does("Forced despite:\n  - replica a does not have")
}

// A file that cannot be told apart, or that changes meanwhile, is left as it is.
func TestASecretFileIsNeverGuessedAt(t *testing.T) {
	p := newReplacing(t)
	one, two, three := newValue(), newValue(), newValue()
	for text, says := range map[string]string{
		one + "\n" + two + "\n":                     "whether the file's second value is the new or the old one",
		one + "\n" + two + "\n" + three + "\n":      "it has 3 values",
		one + "\nhunter2\n":                         "line 2 is not the base64",
		markBefore + "\n" + one + "\n" + two + "\n": "whether the file's second value is the new or the old one",
	} {
		p.must(os.WriteFile(p.r.secretFile, []byte(text), 0o600))
		err := p.r.rotate(t.Context(), &strings.Builder{}, p.now)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, not %s", err, says)
		}
	}
	p.must(os.WriteFile(p.r.secretFile, []byte("# ours\n"+one+"\n\n"+markNext+"\n"+two), 0o600))
	f, err := openSecretFile(p.r.secretFile)
	p.must(err)
	p.must(os.WriteFile(p.r.secretFile, []byte(three), 0o600))
	if err := f.write(); err == nil || !strings.Contains(err.Error(), "the file was changed in the meantime") {
		t.Error(err)
	}
	left, err := os.ReadDir(filepath.Dir(p.r.secretFile))
	p.must(err)
	for _, file := range left {
		if strings.HasPrefix(file.Name(), "secret.") {
			t.Errorf("%s is left", file.Name())
		}
	}
}

func newValue() string {
	_, text := signingkey.NewSecret()
	return text
}
