package browser

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// TestReturnAddress_AsChromiumReadsIt: every accepted return_to leads to an origin of
// the app, also if a page uses it as a link. It is shown unchanged, or is the origin's
// start page, as for texts that Chromium reads as no address.
func TestReturnAddress_AsChromiumReadsIt(t *testing.T) {
	t.Parallel()
	const home = "https://app.example.com"
	app := directory.App{ID: "web", Origins: []string{home, "https://beta.example.com:8443"}}
	pieces := []string{
		"/", "/", "//", `\`, "\t", "\n", " ", "\x00", "\x1f", ":", "@", "?", "#", ".", "..", "%2e", "%2f", "%5c", "%", "%zz", "[", "]", "[::1]", "evil.test", "https:", "javascript:",
		":443", "a", "é", "。", "／", "＠", "\u200b", "\ufeff", "\u202e", ";", "&", "=", "+", "~", "|", "^", "`", "{", "}", "'", `"`, "<", ">", "\x7f", "$", "*",
	}
	random := rand.New(rand.NewPCG(3, 4))
	var passed [][2]string
	for range 60_000 {
		text := []string{"/", home, app.Origins[1], ""}[random.IntN(4)]
		for range random.IntN(7) {
			text += pieces[random.IntN(len(pieces))]
		}
		if address, ok := publicurl.ReturnAddress(home+"/auth", app, text); ok {
			passed = append(passed, [2]string{text, address})
		}
	}
	if len(passed) < 20_000 {
		t.Fatalf("only %d addresses pass: the test sees too little", len(passed))
	}
	tab := chrome.Guest(t)
	for chunk := range slices.Chunk(passed, 2000) {
		asked, err := json.Marshal(chunk)
		if err != nil {
			t.Fatal(err)
		}
		read := chrome.Eval[[][4]string](t, tab, fmt.Sprintf(`%s.map(([text, address]) => {
			const link = URL.parse(text || "/", %q), to = new URL(address); // null if it is no address
			return [to.origin, to.href, link?.origin ?? "", link?.href ?? ""];
		})`, asked, home+"/some/page"))
		for i, r := range read {
			start := publicurl.Start(app, r[0])
			if !slices.Contains(app.Origins, r[0]) || r[2] != r[0] && r[2] != "" || r[1] != r[3] && r[1] != start || strings.ContainsAny(chunk[i][1], "\r\n\t ") {
				t.Errorf("%q leads to %q, which Chromium reads as %q, and as a link %q", chunk[i][0], chunk[i][1], r[1], r[3])
			}
		}
	}
}
