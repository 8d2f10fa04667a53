package resource

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// TestEndings_SharedTable runs the memory's part of the table of scenarios that
// @tabard/server runs too.
func TestEndings_SharedTable(t *testing.T) {
	text, err := os.ReadFile("../../js/server/vectors/endings.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Memory []struct {
			Name   string
			Most   int
			Events []struct {
				Number, At, After int64
				Subject           secevent.Subject
			}
			Expects []struct {
				Claims token.Claims
				Ended  bool
			}
		}
	}
	if err := json.Unmarshal(text, &table); err != nil || len(table.Memory) < 20 {
		t.Fatalf("%d scenarios, %v", len(table.Memory), err)
	}
	for _, c := range table.Memory {
		m, start := newEndings(c.Most), time.Now()
		for _, e := range c.Events {
			m.add(secevent.Event{Number: e.Number, At: e.At, Subject: e.Subject}, start.Add(time.Duration(e.After)*time.Second))
		}
		for _, x := range c.Expects {
			if m.ended(&x.Claims) != x.Ended {
				t.Errorf("%s: %+v is refused: %v", c.Name, x.Claims, !x.Ended)
			}
		}
	}
}
