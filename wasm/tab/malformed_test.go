package tab_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// Whatever the tab's record contains, the tab starts, and hands out no token but the
// backend's.
func TestMalformed_Record(t *testing.T) {
	changes := map[string]func(record, held, answer map[string]any){
		"from the future":             func(r, _, _ map[string]any) { r["version"] = 2 },
		"a version that is text":      func(r, _, _ map[string]any) { r["version"] = "1" },
		"an epoch that is no text":    func(r, _, _ map[string]any) { r["epoch"] = 7 },
		"no list of tokens":           func(r, _, _ map[string]any) { r["held"] = map[string]any{"length": 1} },
		"a list of other things":      func(r, _, _ map[string]any) { r["held"] = []any{nil, 7, "x", []any{}, map[string]any{}} },
		"no token":                    func(_, _, a map[string]any) { delete(a, "access_token") },
		"a token that is no text":     func(_, _, a map[string]any) { a["access_token"] = 7 },
		"a token of nobody":           func(_, _, a map[string]any) { a["user"] = "usr_ada" },
		"a token of another person":   func(_, _, a map[string]any) { a["user"] = map[string]any{"id": "usr_bob"} },
		"a token of another session":  func(_, _, a map[string]any) { a["session"] = "ses_2" },
		"a token of no organization":  func(_, _, a map[string]any) { a["organization"] = []any{"org_a"} },
		"a token that lives for ever": func(_, _, a map[string]any) { a["expires_in"] = 1e300 },
		"a token from no time":        func(_, h, _ map[string]any) { h["minted"] = 1e300 },
		"an input from no time":       func(r, h, _ map[string]any) { r["input"], h["minted"] = -1e300, -1e300 },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				p := b.open(route("acme"))
				before := p.token(t, "ada@acme")
				p.closeTab()
				var record map[string]any
				if err := json.Unmarshal([]byte(p.session.Item("tabard")), &record); err != nil {
					t.Fatal(err)
				}
				held := record["held"].([]any)[0].(map[string]any)
				change(record, held, held["answer"].(map[string]any))
				text, err := json.Marshal(record)
				if err != nil {
					t.Fatal(err)
				}
				p.session.SetItem("tabard", string(text))
				p = b.restore(p.session, route("acme"))
				p.expect(t, tab.Active, "acme")
				if got := p.token(t, "ada@acme"); got == before {
					t.Error("the tab hands out the token of the record")
				}
			})
		})
	}
}

// The same for a text that is no record at all.
func TestMalformed_RecordText(t *testing.T) {
	for _, text := range []string{"", "{", "null", "7", `"x"`, "[]", `{"version":1}`, strings.Repeat("[", 1000), `{"version":1,"tab":{},"user":7,"pending":[],"held":null,"fence":"x"}`} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			session := &storage{}
			session.SetItem("tabard", text)
			b.restore(session, route("acme")).expect(t, tab.Active, "acme")
		})
	}
}

// Numbers out of range count as absent.
func TestMalformed_Answer(t *testing.T) {
	for _, change := range []struct {
		name, number string
		want         tab.Status
	}{
		{"expires_in", "1e300", tab.Unavailable},
		{"expires_in", "1e17", tab.Unavailable},
		{"expires_in", "-1e300", tab.Unavailable},
		{"session_expires_in", "1e300", tab.Active},
		{"server_time", "-1e300", tab.Active},
		{"server_time", "1e300", tab.Active},
	} {
		t.Run(change.name+" "+change.number, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				b.set(func() {
					b.script = func(r tab.Request) *tab.Response {
						if pathOf(r) != "/token" {
							return nil
						}
						answer := b.mint(acme)
						text, _ := json.Marshal(answer)
						var members map[string]json.RawMessage
						json.Unmarshal(text, &members)
						members[change.name] = json.RawMessage(change.number)
						text, _ = json.Marshal(members)
						return &tab.Response{Status: 200, Body: string(text)}
					}
				})
				p := b.open(route("acme"))
				synctest.Wait()
				p.expect(t, change.want)
				for _, h := range b.seen[len(b.seen)-1].Headers {
					if h[0] == api.HeaderTime && strings.HasPrefix(h[1], "-") {
						t.Error(fmt.Sprint("the tab tells the time ", h[1]))
					}
				}
			})
		})
	}
}
