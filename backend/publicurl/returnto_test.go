package publicurl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
)

const home = "https://app.example.com"

var web = directory.App{ID: "web", Origins: []string{home, "https://beta.example.com:8443", "http://localhost:5173"}}

func TestAReturnAddressLeadsToTheApp(t *testing.T) {
	for returnTo, want := range map[string]string{
		"":                                       home + "/",
		"/":                                      home + "/",
		"/notes?a=1&b=2#top":                     home + "/notes?a=1&b=2#top",
		"/a/../b//c;d=e:f@g!$*+,~()":             home + "/a/../b//c;d=e:f@g!$*+,~()",
		"/%2F%5Cevil.test":                       home + "/%2F%5Cevil.test",
		"/?next=https://evil.test":               home + "/?next=https://evil.test",
		home:                                     home,
		home + "/notes":                          home + "/notes",
		home + "?a":                              home + "?a",
		home + "#a":                              home + "#a",
		"https://beta.example.com:8443/x":        "https://beta.example.com:8443/x",
		"http://localhost:5173/x":                "http://localhost:5173/x",
		"/" + strings.Repeat("a", maxReturnTo-1): home + "/" + strings.Repeat("a", maxReturnTo-1),
		"/customers/o'neil":                      home + "/customers/o'neil",
		`/list?filter={"a":1}`:                   home + "/list?filter={%22a%22:1}",
		"/list?sort=name|asc&q=^a&r=`b`":         home + "/list?sort=name|asc&q=^a&r=`b`",
		"/#/map?view={x}":                        home + "/#/map?view={x}",
		`/files?path=C:\dir#\\host\share`:        home + `/files?path=C:\dir#\\host\share`,
		home + `?path=C:\dir`:                    home + `?path=C:\dir`,
		"/München/über uns?q=ä#ö":                home + "/M%C3%BCnchen/%C3%BCber%20uns?q=%C3%A4#%C3%B6",
		"/a<b>\x7f\u2028":                        home + "/a%3Cb%3E%7F%E2%80%A8",
		home + `/\evil.test`:                     home + `/\evil.test`,
		"/a  ":                                   home + "/a",
	} {
		if got, ok := returnAddress(web, home, returnTo); !ok || got != want {
			t.Errorf("%.80q leads to %.80q, %t, want %.80q", returnTo, got, ok, want)
		}
	}
}

// TestReturnAddress_OriginPattern checks addresses at origins of organizations.
func TestReturnAddress_OriginPattern(t *testing.T) {
	many := directory.App{ID: "web", Path: "/app/", Origins: []string{"https://:organization.app.example.com", home}}
	for returnTo, want := range map[string]string{
		"":                                   home + "/app/",
		"/x":                                 home + "/x",
		"https://acme.app.example.com":       "https://acme.app.example.com",
		"https://acme.app.example.com/x?y#z": "https://acme.app.example.com/x?y#z",
		"https://acme.app.example.com/\\x":   "https://acme.app.example.com/\\x",
		"https://acme.app.example.com\\x":    "https://acme.app.example.com/x",
		"https://acme.app.example.com@evil.test/":   "",
		"https://acme.app.example.com:8443/":        "",
		"https://a.b.app.example.com/":              "",
		"https://evil.test/.app.example.com/":       "",
		"https://evil.test#.app.example.com":        "",
		"https://evil.test\\.app.example.com/":      "",
		"HTTPS:\\\\ACME.app.example.com:443":        "https://acme.app.example.com",
		"https://:organization.app.example.com/":    "",
		"javascript://acme.app.example.com/":        "",
		"x:https://acme.app.example.com/":           "",
		"https://evil.test://acme.app.example.com/": "",
		"https://acme.app.example.com.evil.test/":   "",
		" https://acme.app.example.com/":            "https://acme.app.example.com/",
		"https://acme.app.example.com/\x00":         "https://acme.app.example.com/app/",
	} {
		if got, ok := ReturnAddress(home+"/auth", many, returnTo); got != want || ok != (want != "") {
			t.Errorf("%q leads to %q, %t, want %q", returnTo, got, ok, want)
		}
	}
}

// spellings are addresses that browsers read as one of the app's own.
var spellings = map[string]string{
	"HTTPS://app.example.com/":                home + "/",
	"https://APP.Example.COM/Notes":           home + "/Notes",
	"hTTps://app.example.com":                 home,
	"https://app.example.com:443/a":           home + "/a",
	"https://app.example.com:/a":              home + "/a",
	"https://app.example.com:00443/a":         home + "/a",
	"https://beta.example.com:08443/a":        "https://beta.example.com:8443/a",
	"HTTP://LOCALHOST:5173/x":                 "http://localhost:5173/x",
	"http:localhost:5173/x":                   "http://localhost:5173/x",
	"https:///app.example.com/a":              home + "/a",
	"//app.example.com/a":                     home + "/a",
	`\\app.example.com\a?b=\`:                 home + `/a?b=\`,
	`/\app.example.com/a`:                     home + "/a",
	`https:\\app.example.com\a`:               home + "/a",
	`https://app.example.com\@evil.test`:      home + "/@evil.test",
	`https://app.example.com\\evil.test`:      home + `/\evil.test`,
	" \x00https://app.example.com/a":          home + "/a",
	"https://app.example.com?a=https://e.com": home + "?a=https://e.com",
	"https://app.example.com#@evil.test":      home + "#@evil.test",
}

// TestReturnAddress_Spellings checks that an address of the app's is taken however it is
// spelled.
func TestReturnAddress_Spellings(t *testing.T) {
	for returnTo, want := range spellings {
		if got, ok := returnAddress(web, home, returnTo); !ok || got != want {
			t.Errorf("%q leads to %q, %t, want %q", returnTo, got, ok, want)
		}
	}
	for address, want := range map[string]string{"HTTPS://App.Example.com:443/x": home, "/x": "", "//app.example.com": "", "notes": "", "javascript://x/": ""} {
		if got := OriginOf(address); got != want {
			t.Errorf("the origin of %q is %q, want %q", address, got, want)
		}
	}
}

var foreign = []string{
	"HTTPS://EVIL.test", `https:\\evil.test\app.example.com`, "https://app.example.com%2eevil.test/", "https://app.example.com:0444/", "https://app.example.com:443:443/",
	"https://\u212abc.test", "https://[::1]/", "https://app.example.com。evil.test/", "https://ａpp.example.com/", "https://app_example.com/", "//evil.test:443/", `\\evil.test`, "https://%61pp.example.com/", "https://app.example.com\u00ad/",
	"//evil.test", "///evil.test", `/\evil.test`, `\/evil.test`, `\\evil.test`, "/\t/evil.test", "/\n/evil.test", "\t//evil.test", " //evil.test", "\x00//evil.test",
	"https://evil.test", "http://app.example.com/", "http:app.example.com/", "http:/app.example.com/",
	"https://app.example.com.evil.test/", "https://app.example.com@evil.test/",
	"https://app.example.com:@evil.test/", "https://app.example.com:8443/", "https://app.example.com./", "https://app.example.comevil.test",
	"https://user@app.example.com/", "https://beta.example.com/", "https://beta.example.com:84430/", "https://beta.example.com:8443@evil.test/",
	"javascript:alert(1)", "data:text/html,x", "http://localhost:5173.evil.test/", "http://localhost:51730/", "https:/\\evil.test", "///@evil.test", "http:///evil.test",
	"\x00https://evil.test", "//" + strings.Repeat("a", maxReturnTo),
}

// TestReturnAddress_ThatCannotBeKept: an address of the app's that is too long or
// ambiguous leads to the start of its origin, and the sign-in goes on.
func TestReturnAddress_ThatCannotBeKept(t *testing.T) {
	for returnTo, want := range map[string]string{
		"/" + strings.Repeat("a", maxReturnTo): home + "/",
		"/?q=" + strings.Repeat("ü", 400):      home + "/",
		"/\xff":                                home + "/",
		"/\x00/evil.test":                      home + "/",
		"/a\x00b":                              home + "/",
		"/a\tb":                                home + "/",
		"\r/notes":                             home + "/",
		"notes":                                home + "/",
		"../notes/é":                           home + "/",
		"?a=b":                                 home + "/",
		"#a":                                   home + "/",
		" /":                                   home + "/",
		"\x00/":                                home + "/",
		`\notes`:                               home + "/",
		"\xff\xfe":                             home + "/",
		"%":                                    home + "/",
		"https:app.example.com/":               home + "/",
		"https:/app.example.com/":              home + "/",
		"1:x":                                  home + "/",
		"//":                                   home + "/",
		"///?a":                                home + "/",
		"https://":                             home + "/",
		"http:":                                home + "/",
		"http:/?a":                             home + "/",
		"https://beta.example.com:8443/?q=" + strings.Repeat("a", 4000):      "https://beta.example.com:8443/",
		"https://beta.example.com:8443?q=" + strings.Repeat("a", 4000) + "#": "https://beta.example.com:8443/",
	} {
		if got, ok := returnAddress(web, home, returnTo); !ok || got != want {
			t.Errorf("%.80q leads to %.80q, %t, want %.80q", returnTo, got, ok, want)
		}
	}
}

func TestAReturnAddressElsewhereIsRefused(t *testing.T) {
	for _, returnTo := range foreign {
		if got, ok := returnAddress(web, home, returnTo); ok {
			t.Errorf("%.80q leads to %.80q", returnTo, got)
		}
	}
}

func FuzzAReturnAddressStaysWithTheApp(f *testing.F) {
	for _, returnTo := range slices.Concat(foreign, slices.Sorted(maps.Keys(spellings)), []string{"", "/", "/notes?a#b", home, home + "/x", "https://beta.example.com:8443?x"}) {
		f.Add(returnTo)
	}
	f.Fuzz(func(t *testing.T, returnTo string) {
		got, ok := returnAddress(web, home, returnTo)
		if !ok {
			return
		}
		u, err := url.Parse(got)
		if err != nil {
			return // the differential test covers how browsers read it
		}
		needsEscape := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>", r) }
		if !slices.Contains(web.Origins, u.Scheme+"://"+u.Host) || u.User != nil || strings.ContainsFunc(got, needsEscape) {
			t.Errorf("%q leads to %q", returnTo, got)
		}
	})
}

// TestBrowsersReadAReturnAddressAsTheServerDoes passes each accepted address to node's
// WHATWG URL parser and compares the target.
func TestBrowsersReadAReturnAddressAsTheServerDoes(t *testing.T) {
	var passed [][2]string
	for _, returnTo := range addresses(200_000) {
		if address, ok := returnAddress(web, home, returnTo); ok {
			passed = append(passed, [2]string{returnTo, address})
		}
	}
	if len(passed) < 5_000 {
		t.Fatalf("only %d addresses pass: the test sees too little", len(passed))
	}
	read := whatwg(t, passed)
	for i, p := range passed {
		asAddress, asLink := read[2*i], read[2*i+1]
		if asAddress == nil || !slices.Contains(web.Origins, asAddress[0]) {
			t.Errorf("%q leads to %q, which browsers read as %v", p[0], p[1], asAddress)
		} else if asLink == nil && p[1] == home+"/" { // browsers read nothing, and it ends at the start
			continue
		} else if asLink == nil || !slices.Contains(web.Origins, asLink[0]) {
			t.Errorf("%q passes, which browsers read as a link to %v", p[0], asLink)
		} else if asLink[1] != asAddress[1] && p[1] != asLink[0]+"/" {
			t.Errorf("%q leads to %q, and as a link of the page to %v", p[0], asAddress[1], asLink)
		}
	}
}

// addresses returns addresses made of the pieces that parsers disagree on, the same in
// every run.
func addresses(n int) []string {
	pieces := append(slices.Clone(web.Origins),
		"/", "/", "//", `\`, "\t", "\n", "\r", " ", "\x00", ":", "@", "?", "#", ".", "..", "/..", "/.", "%2e", "%2f", "%5c", "%00", "%09", "%", "%zz", "[", "]", "[::1]",
		`"`, "<", "}", "\x7f", "\xff", "evil.test", "https:", "http:", "javascript:", "443", ":443", ":8443", "localhost", "a", "é", "。", "／", "＠", "\u200b", "\ufeff", ";", "&", "=", "+", "~", "|", "^", "`", "{", "'")
	random := rand.New(rand.NewPCG(1, 2))
	all := slices.Concat(foreign, slices.Sorted(maps.Keys(spellings)), []string{"", "/", home})
	for len(all) < n {
		var text strings.Builder
		if random.IntN(3) > 0 { // most begin like a valid one
			begins := []string{"/", home, web.Origins[1], web.Origins[2], "HTTPS://App.Example.com", `https:\\app.example.com`, "//beta.example.com:08443", "https:///app.example.com:443"}
			text.WriteString(begins[random.IntN(len(begins))])
		}
		for range random.IntN(6) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		all = append(all, text.String())
	}
	return all
}

// whatwg reads every address twice: as an absolute one, and as a link on the app's
// page.
func whatwg(t *testing.T, addresses [][2]string) []*[2]string {
	t.Helper()
	var lines, failure bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, a := range addresses {
		link := a[0]
		if link == "" {
			link = "/"
		}
		for _, pair := range [][2]string{{a[1], "about:blank"}, {link, home + "/some/page"}} {
			if err := encoder.Encode(pair); err != nil {
				t.Fatal(err)
			}
		}
	}
	node := exec.CommandContext(t.Context(), "node", "testdata/whatwg.mjs")
	node.Stdin, node.Stderr = &lines, &failure
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node, which reads addresses as browsers do: %v\n%s", err, failure.String())
	}
	var all []*[2]string
	for scanner := bufio.NewScanner(bytes.NewReader(out)); scanner.Scan(); {
		var read *[2]string
		if err := json.Unmarshal(scanner.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		all = append(all, read)
	}
	if len(all) != 2*len(addresses) {
		t.Fatalf("node read %d of %d addresses", len(all), 2*len(addresses))
	}
	return all
}
