package tab_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/wasm/tab"
)

// id returns the tab's id in the record.
func (p *page) id(t *testing.T) string {
	t.Helper()
	var record struct{ Tab string }
	if err := json.Unmarshal([]byte(p.session.Item("tabard")), &record); err != nil || record.Tab == "" {
		t.Fatalf("no id in the record: %v", err)
	}
	return record.Tab
}

func TestACopiedTabKeepsTheOrganizationAndGetsItsOwnID(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		copied := b.restore(p.session.copy())
		copied.expect(t, tab.Active, "acme")
		if copied.id(t) == p.id(t) {
			t.Error("two tabs have one id")
		}
		copied.Switch("globex")
		p.expect(t, tab.Active, "acme")
	})
}

func TestAReloadKeepsTheTabsID(t *testing.T) {
	environments := map[string]func(*browser){
		"with Web Locks":                    func(b *browser) {},
		"without Web Locks":                 func(b *browser) { b.noLocks = true },
		"with Web Locks that do not answer": func(b *browser) { b.silentLocks = true },
	}
	for name, prepare := range environments {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				prepare(b)
				b.signIn("ada")
				p := b.open(route("acme"))
				id := p.id(t)
				if got := p.reload().id(t); got != id {
					t.Errorf("id %s, was %s", got, id)
				}
			})
		})
	}
}

func TestAPageThatIsLeftHoldsNoLock(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		id := p.id(t)
		p.OnPageHide()
		if len(b.locks) != 0 {
			t.Errorf("locks held: %v", b.locks)
		}
		p.OnPageShow()
		if len(b.locks) != 1 || p.id(t) != id {
			t.Errorf("locks %v, id %s, was %s", b.locks, p.id(t), id)
		}
		p.OnPageShow() // a second call has no effect
		p.OnPageHide()
		copied := b.restore(p.session.copy()) // it has locked the id meanwhile
		p.OnPageShow()
		if p.id(t) == copied.id(t) {
			t.Error("two tabs have one id")
		}
		p.expect(t, tab.Active, "acme")
	})
}

func TestATabWorksWithoutStorage(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("cleo")
		b.local.blocked = true
		p := b.restore(&storage{blocked: true})
		p.expect(t, tab.Active, "initech")
		other := b.restore(&storage{blocked: true})
		time.Sleep(time.Hour)
		p.token(t, "cleo@initech")
		other.token(t, "cleo@initech")
	})
}

func TestP1ATabKeepsItsOrganizationWhereItsTokensHaveNoRoom(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.session.room = len(p.session.Item("tabard")) + 10 // the app has filled the rest
		if got := p.Switch("globex"); got.Status != tab.Switched {
			t.Fatalf("the switch: %+v", got)
		}
		p.config.Organization = ""
		p = p.reload()
		p.expect(t, tab.Active, "globex")
		p.token(t, "ada@globex")
		p.session.room = 0
		p.Switch("acme")
		b.requests()
		p = p.reload()
		p.expect(t, tab.Active, "acme")
		b.expectRequests(t) // none: there is room again
	})
}

func TestARecordThatCannotBeReadIsLeftBehind(t *testing.T) {
	for _, text := range []string{"", "null", "{", "[]", `"x"`, `{"version":99,"organization":"org_g"}`, `{"version":1,"held":[{}]}`, `{"version":1,"held":{"a":1},"user":7}`} {
		t.Run(text, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("cleo")
				s := &storage{}
				s.SetItem("tabard", text)
				b.restore(s).expect(t, tab.Active, "initech")
			})
		})
	}
}
