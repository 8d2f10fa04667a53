package bench

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

var large = flag.Int("large", 10_000, "number of organizations in the workspace file, with 100 members each")

// largeWorkspace reads a file with this number of organizations and of members in each.
// There are half as many users as memberships.
func largeWorkspace(t testing.TB, organizations, members int) directory.Desired {
	t.Helper()
	var text strings.Builder
	text.WriteString("issuer: https://id.example.com\n" +
		"apps: [{id: app, origins: [https://app.example.com], audience: https://app.example.com/api}]\n" +
		"roles: {viewer: [read]}\norganizations:\n")
	people := max(members, organizations*members/2)
	for o := range organizations {
		fmt.Fprintf(&text, "- slug: org%d\n  name: Organization %d\n  members:\n", o, o)
		for m := range members {
			fmt.Fprintf(&text, "  - {sub: person%d, name: Person, roles: [viewer]}\n", (o*members+m*7)%people)
		}
	}
	d, err := workspacefile.Parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// applyTwice applies a workspace twice and returns how long each took. The second time
// changes no row. It also checks that progress is reported.
func applyTwice(t testing.TB, store *sqlstore.Store, d directory.Desired) (first, again time.Duration) {
	t.Helper()
	one := func() (directory.Changes, time.Duration) {
		begun, told, last := time.Now(), 0, 0
		changes, err := store.ApplyReporting(t.Context(), d, begun.Unix(), func(done int) {
			if done < last {
				t.Errorf("progress went back from %d to %d", last, done)
			}
			told, last = told+1, done
		})
		if err != nil {
			t.Fatal(err)
		}
		if told != len(d.Organizations) || last != d.MemberCount() {
			t.Errorf("progress was told %d times, up to %d of %d", told, last, d.MemberCount())
		}
		return changes, time.Since(begun)
	}
	changes, first := one()
	if changes.Members.Added != d.MemberCount() || changes.Organizations.Added != len(d.Organizations) {
		t.Errorf("%+v", changes)
	}
	changes, again = one()
	if !changes.None() {
		t.Errorf("again: %+v", changes)
	}
	return first, again
}

func TestApply_LargeWorkspaceTwice(t *testing.T) {
	store, err := sqlite.Open(t.Context(), t.TempDir()+"/tabard.db")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	applyTwice(t, store, largeWorkspace(t, 50, 130)) // more than one statement's batch
}

// BenchmarkApply applies a large workspace beside a server, and mints before and after:
//
//	go test -run '^$' -bench Apply ./browser_test/bench
func BenchmarkApply(b *testing.B) {
	loaded := startServer(b, database(b, sqliteName))
	loaded.fill(requests() + warmUp)
	mint := func() time.Duration {
		loaded.prepare(kinds[1])
		return loaded.load(loaded.tokenRequests(kinds[1]), 1).p50
	}
	before := mint()
	d := largeWorkspace(b, *large, 100)
	workspace, err := loaded.store.Workspace(b.Context())
	loaded.check(err)
	d.Workspace = *workspace // the server's sessions belong to its app
	first, again := applyTwice(b, loaded.store, d)
	after := mint()
	fmt.Printf("%d organizations with %d memberships: applied in %.1f s, again in %.1f s\n",
		len(d.Organizations), d.MemberCount(), first.Seconds(), again.Seconds())
	fmt.Printf("mint: p50 %.3f ms before, %.3f ms after, %.2f times\n", milli(before), milli(after), float64(after)/float64(before))
}
