//go:build !js

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/contract"
)

// oddRequest is a request that no client of ours sends.
type oddRequest struct {
	name, method, target string
	headers              []string
	body                 string
}

// oddAnswer is what the server and the Worker must have in common: the addresses of both
// and what is random are left out.
type oddAnswer struct {
	status   int
	code     string
	location string // without values of its query that no request names
}

// TestOddRequests_AsTheServer sends what a stranger may send, to find an organization, from
// a portal, for a revocation and with limits, to the Worker and to the server.
func TestOddRequests_AsTheServer(t *testing.T) {
	t.Parallel()
	worker, server := start(t, "entry.mjs"), contract.StartServer(t).Target
	statuses := map[int]int{}
	for _, odd := range slices.Concat(oddAddresses(), oddPortals(), oddRevocations(), oddDomains()) {
		on := func(target contract.Target) oddAnswer {
			answer, err := odd.send(target)
			if err != nil {
				t.Fatalf("%s: %v", odd.name, err)
			}
			return answer
		}
		got, want := on(worker), on(server)
		if got != want {
			t.Errorf("%s: the Worker answers %+v, the server %+v", odd.name, got, want)
		}
		if statuses[got.status]++; got.status >= 500 && got.code != "temporarily_unavailable" {
			t.Errorf("%s: %+v", odd.name, got)
		}
	}
	t.Logf("answers by status: %v", statuses)
	if len(statuses) < 6 || statuses[http.StatusSeeOther] < 20 || statuses[http.StatusCreated] == 0 {
		t.Errorf("the requests meet too little: %v", statuses)
	}
}

func (o oddRequest) send(target contract.Target) (oddAnswer, error) {
	fill := strings.NewReplacer("ORIGIN", target.Origin, "PROVIDER", target.Issuer, "ADMIN", target.Keys["admin"])
	at, err := url.Parse(target.PublicURL)
	if err != nil {
		return oddAnswer{}, err
	}
	connection, err := net.DialTimeout("tcp", "127.0.0.1:"+at.Port(), 10*time.Second)
	if err != nil {
		return oddAnswer{}, err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(30 * time.Second))
	body := fill.Replace(o.body)
	text := o.method + " /auth" + fill.Replace(o.target) + " HTTP/1.1\r\nHost: " + at.Host + "\r\nConnection: close\r\n"
	for _, header := range o.headers {
		text += fill.Replace(header) + "\r\n"
	}
	if o.method != http.MethodGet {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	go io.WriteString(connection, text+"\r\n"+body) // a server may answer before it has read all
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: o.method})
	if err != nil {
		return oddAnswer{}, err
	}
	defer response.Body.Close()
	var said struct{ Error, Location string }
	if text, err := io.ReadAll(response.Body); err == nil {
		json.Unmarshal(text, &said) // pages are none
	}
	location := response.Header.Get("Location") + said.Location
	return oddAnswer{response.StatusCode, said.Error, general(strings.NewReplacer(target.Origin, "ORIGIN", target.Issuer, "PROVIDER").Replace(location))}, nil
}

// general returns an address without the values that are new each time.
func general(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if query.Has(name) {
			query.Set(name, "new")
		}
	}
	if redirect := query.Get("redirect_uri"); redirect != "" {
		_, path, _ := strings.Cut(redirect, "/auth")
		query.Set("redirect_uri", path)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

var byPerson = []string{"Referer: ORIGIN/", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}

// oddAddresses are addresses of people, in the query and in a body.
func oddAddresses() (all []oddRequest) {
	for name, email := range map[string]string{
		"an address": "gina@northwind.example", "capitals and a dot": "GINA@NORTHWIND.EXAMPLE.", "two dots at the end": "gina@northwind.example..",
		"no at": "northwind.example", "an at alone": "@", "no name": "@northwind.example", "no domain": "gina@", "two": "a@nowhere.example@northwind.example",
		"spaces around": " gina@northwind.example ", "a space within": "gi na@northwind.example", "a quoted name": `"a@b"@northwind.example`,
		"a tab": "gina@northwind.example\t", "a line break": "gina@northwind.example\r\nX: y", "a zero": "gina@northwind.example\x00", "not UTF-8": "gina@\xff\xfe",
		"a domain of letters": "gina@bücher.example", "in wide letters": "gina@ｎｏｒｔｈｗｉｎｄ.example", "a wide at": "gina＠northwind.example", "a wide dot": "gina@northwind。example",
		"punycode": "gina@xn--bcher-kva.example", "broken punycode": "gina@xn--\u00fc.example", "an address of IP": "gina@[127.0.0.1]", "below it": "gina@a.northwind.example",
		"a long name": strings.Repeat("a", 300) + "@northwind.example", "a long domain": "gina@" + strings.Repeat("a.", 500) + "example", "a comment": "gina(x)@northwind.example",
		"a name with plus": "gina+x@northwind.example", "emoji": "🎉@northwind.example", "right to left": "gina\u202e@northwind.example", "a soft hyphen": "gina@north\u00adwind.example",
	} {
		all = append(all, oddRequest{"email in the query: " + name, "GET", "/login?email=" + url.QueryEscape(email), byPerson, ""})
		body, _ := json.Marshal(map[string]string{"email": email})
		all = append(all, oddRequest{"email in the body: " + name, "POST", "/login", fromPage(), string(body)})
	}
	for name, query := range map[string]string{
		"twice": "email=a@b.example&email=gina@northwind.example", "broken percent": "email=%zz", "a semicolon": "email=gina@northwind.example;organization=acme",
		"with an organization": "email=gina@northwind.example&organization=northwind", "unknown organization": "email=gina@northwind.example&organization=nowhere",
		"with a cookie's choice": "email=gina@northwind.example&session_cookie=true", "an odd choice": "session_cookie=maybe", "twice chosen": "session_cookie=true&session_cookie=false",
		"an age": "max_age=-1", "a large age": "max_age=99999999999999999999", "a prompt": "prompt=none", "prompts": "prompt=none%20login", "odd prompt": "prompt=x",
		"return elsewhere": "return_to=https://evil.example", "return by slashes": "return_to=//evil.example", "return with a break": "return_to=/%0d%0aX:y", "a long return": "return_to=/" + strings.Repeat("a", 5000),
		"a key": "dpop_jkt=x", "an unknown app": "app=nothing", "all of it": strings.Repeat("a=b&", 3000),
	} {
		all = append(all, oddRequest{"login with " + name, "GET", "/login?" + query, byPerson, ""})
	}
	for name, body := range map[string]string{
		"nothing": "", "a list": "[]", "null": "null", "a number": `{"email":1}`, "an unknown member": `{"email":"a@b.example","x":1}`, "twice": `{"email":"a@b.example","email":"gina@northwind.example"}`,
		"in capitals": `{"EMAIL":"gina@northwind.example"}`, "two values": `{"email":"a@b.example"}{}`, "deep": strings.Repeat(`{"email":`, 2000), "large": `{"email":"` + strings.Repeat("a", 100_000) + `"}`,
		"half a pair": `{"email":"\ud800@northwind.example"}`,
	} {
		all = append(all, oddRequest{"a body: " + name, "POST", "/login", fromPage(), body})
	}
	return all
}

func fromPage() []string {
	return []string{"Origin: ORIGIN", "Sec-Fetch-Site: same-origin", "Content-Type: application/json", "Tabard-Client: 1"}
}

// oddPortals are third-party initiated logins.
func oddPortals() (all []oddRequest) {
	for name, query := range map[string]string{
		"an issuer": "iss=PROVIDER/northwind", "with a slash": "iss=PROVIDER/northwind/", "in capitals": "iss=PROVIDER/NORTHWIND", "encoded": "iss=" + "PROVIDER%2Fnorthwind", "empty": "iss=",
		"elsewhere": "iss=PROVIDER/northwind&target_link_uri=https://evil.example", "own target": "iss=PROVIDER/northwind&target_link_uri=ORIGIN/notes%23x",
		"a target of another scheme": "iss=PROVIDER/northwind&target_link_uri=javascript:alert(1)", "a relative target": "iss=PROVIDER/northwind&target_link_uri=/notes",
		"with an email": "iss=PROVIDER/northwind&email=gina@northwind.example", "with an organization": "iss=PROVIDER/northwind&organization=acme", "a hint": "iss=PROVIDER/northwind&login_hint=" + strings.Repeat("h", 3000),
		"a hint with a zero": "iss=PROVIDER/northwind&login_hint=%00", "target alone": "target_link_uri=ORIGIN/notes",
	} {
		for _, site := range []string{"cross-site", "none"} {
			headers := []string{"Sec-Fetch-Site: " + site, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
			all = append(all, oddRequest{"a tile " + site + ": " + name, "GET", "/login?" + query, headers, ""},
				oddRequest{"a tile by form " + site + ": " + name, "POST", "/login", append(headers, "Content-Type: application/x-www-form-urlencoded", "Origin: https://portal.example"), query})
		}
	}
	for _, path := range []string{"/login/con_northwind", "/login/con_northwind/", "/login/CON_NORTHWIND", "/login/con_%00", "/login/con_nowhere", "/login/" + strings.Repeat("c", 3000), "/login//con_northwind"} {
		all = append(all, oddRequest{"a tile at " + path[:min(len(path), 30)], "GET", path, []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, ""})
	}
	return all
}

// oddRevocations are requests for Global Token Revocation that nobody signed.
func oddRevocations() (all []oddRequest) {
	const good = `{"sub_id":{"format":"iss_sub","iss":"PROVIDER","sub":"gwen"}}`
	for name, body := range map[string]string{
		"good": good, "nothing": "", "a list": "[]", "twice": `{"sub_id":{},"sub_id":{}}`, "large": `{"sub_id":"` + strings.Repeat("a", 200_000) + `"}`, "an email": `{"sub_id":{"format":"email","email":"a@b.example"}}`,
	} {
		for scheme, headers := range map[string][]string{
			"no token": nil, "none": {"Authorization: Bearer eyJhbGciOiJub25lIn0.e30."}, "rubbish": {"Authorization: Bearer \xff\xfe"}, "Basic": {"Authorization: Basic eDp5"},
			"two": {"Authorization: Bearer a", "Authorization: Bearer b"}, "long": {"Authorization: Bearer " + strings.Repeat("a", 9000)}, "form": {"Content-Type: application/x-www-form-urlencoded"},
		} {
			if scheme != "form" {
				headers = append(headers, "Content-Type: application/json")
			} else if name == "large" {
				continue // either is a reason to refuse it
			}
			for _, path := range []string{"/global-token-revocation", "/global-token-revocation/con_northwind", "/global-token-revocation/con_nowhere"} {
				all = append(all, oddRequest{path + " " + name + ", " + scheme, "POST", path, headers, body})
			}
		}
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		all = append(all, oddRequest{"revocation by " + method, method, "/global-token-revocation", []string{"Content-Type: application/json"}, good})
	}
	return all
}

// oddDomains are names of domains and limits of sessions for the administration.
func oddDomains() (all []oddRequest) {
	admin := []string{"Authorization: Bearer ADMIN", "Content-Type: application/json"}
	for _, name := range []string{
		"", "com", "localhost", "example", "new.example", "NEW2.EXAMPLE.", "1.2.3.4", "[::1]", "a..b", "-a.example", "a_.example", "exa mple.com", "bücher.example", "xn--.example", "northwind.example",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 130) + "example", "a@b.example", "https://a.example", "*.example", "co.uk", "\u0000.example", "ａ.example",
	} {
		body, _ := json.Marshal(map[string]string{"domain": name})
		all = append(all, oddRequest{"the domain " + name[:min(len(name), 40)], "POST", "/admin/v1/organizations/acme/domains", admin, string(body)},
			oddRequest{"checking " + name[:min(len(name), 40)], "POST", "/admin/v1/organizations/acme/domains/" + url.PathEscape(name) + "/check", admin, ""},
			oddRequest{"removing " + name[:min(len(name), 40)], "DELETE", "/admin/v1/organizations/globex/domains/" + url.PathEscape(name), admin, ""})
	}
	for _, rules := range slices.Sorted(maps.Keys(map[string]bool{
		`{"max_sessions":0}`: true, `{"max_sessions":-1}`: true, `{"max_sessions":1.5}`: true, `{"max_sessions":"2"}`: true, `{"max_sessions":99999999999999999999}`: true, `{"max_sessions":2,"max_sessions":3}`: true,
		`{"max_sessions":null}`: true, `{"revalidate":300}`: true, `{"MAX_SESSIONS":2}`: true,
	})) {
		all = append(all, oddRequest{"the rules " + rules, "PUT", "/admin/v1/organizations/globex/policy", admin, rules})
	}
	return all
}
