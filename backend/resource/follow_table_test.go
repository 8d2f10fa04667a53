package resource_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// step is a step of a scenario.
type step struct {
	Do      string
	Seconds int
	Subject secevent.Subject
	Key     string
	Value   bool
	Number  int64
	Event   int64 `json:"evt"`
	Reason  token.Reason
	Claims  map[string]string
}

// TestFollow_SharedTable runs the scenarios of a follower that @tabard/server runs too.
func TestFollow_SharedTable(t *testing.T) {
	text, err := os.ReadFile("../../js/server/vectors/endings.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Follower []struct {
			Name         string
			RefuseCutOff bool
			States       []bool
			Steps        []step
		}
	}
	if err := json.Unmarshal(text, &table); err != nil || len(table.Follower) < 10 {
		t.Fatalf("%d scenarios, %v", len(table.Follower), err)
	}
	for _, c := range table.Follower {
		t.Run(c.Name, func(t *testing.T) {
			var states []bool
			following(t, func(config *resource.FollowConfig) {
				config.RefuseCutOff = c.RefuseCutOff
				if c.Steps[0].Do == "away" {
					config.OnState = func(following bool, _ error) { states = append(states, following) }
				}
			}, func(t *testing.T, w *guarded, f *feed, _ *resource.Follower) {
				for i, s := range c.Steps {
					w.take(f, i, s)
				}
				synctest.Wait()
				if !slices.Equal(states, c.States) {
					t.Errorf("told %v, want %v", states, c.States)
				}
			})
		})
	}
}

func (w *guarded) take(f *feed, i int, s step) {
	w.Helper()
	switch s.Do {
	case "advance":
		time.Sleep(time.Duration(s.Seconds) * time.Second)
	case "write":
		f.writes(s.Subject, map[string]string{"theirs": "k1", "other": "k0"}[s.Key])
	case "away":
		f.set(func(f *feed) { f.away = s.Value })
	case "anew":
		f.set(func(f *feed) { f.events, f.head, f.floor = nil, s.Number, s.Number-1 })
	case "forged":
		signer := w.private
		if s.Value {
			signer = newGuarded(w.T).private
		}
		f.set(func(f *feed) { f.signer = signer })
	case "stuck":
		f.set(func(f *feed) { f.stuck, f.asked = s.Value, 0 })
	case "back":
		f.set(func(f *feed) { f.back, f.asked = s.Value, 0 })
	case "asked":
		if f.mu.Lock(); f.asked > s.Number {
			w.Errorf("step %d: it asked %d times", i, f.asked)
		}
		f.mu.Unlock()
	case "expect":
		if got := w.reason(s.Event, s.Claims); got != s.Reason {
			w.Errorf("step %d: a token of %d, %v, is refused for %q, want %q", i, s.Event, s.Claims, got, s.Reason)
		}
	default:
		w.Fatalf("step %d: unknown %q", i, s.Do)
	}
}
