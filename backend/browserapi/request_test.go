package browserapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

func TestRequest_BodyIsFlatObject(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for name, body := range map[string]string{
		"empty":                    ``,
		"an array":                 `[]`,
		"a string":                 `"acme"`,
		"null":                     `null`,
		"a number":                 `7`,
		"cut":                      `{"organization":"acme"`,
		"cut in a string":          `{"organization":"ac`,
		"an unknown member":        `{"organization":"acme","admin":true}`,
		"a member twice":           `{"organization":"acme","organization":"globex"}`,
		"a member in another case": `{"Organization":"acme"}`,
		"a member in two cases":    `{"organization":"acme","ORGANIZATION":"globex"}`,
		"a member folded":          `{"u` + "ſ" + `er":"usr_x","organization":"acme"}`,
		"an escaped member twice":  `{"organization":"acme","org\u0061nization":"globex"}`,
		"two objects":              `{"organization":"acme"}{}`,
		"something after":          `{"organization":"acme"} x`,
		"a text for a truth":       `{"organization":"acme","enter":"yes"}`,
		"a number for a text":      `{"organization":7}`,
		"a list for a text":        `{"organization":["acme"]}`,
		"an object for a text":     `{"organization":{"id":"acme"}}`,
		"a fraction for seconds":   `{"organization":"acme","idle_seconds":1.5}`,
		"too many seconds":         `{"organization":"acme","idle_seconds":1e99}`,
		"a comment":                `{"organization":"acme"/**/}`,
		"a comma too many":         `{"organization":"acme",}`,
		"deep nesting":             `{"organization":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`,
		"a byte order mark":        "\ufeff" + `{"organization":"acme"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := w.inSubtest(t)
			w.wants(b.Post("/token", body), http.StatusBadRequest, api.InvalidRequest)
		})
	}
	w.mint(b, "acme")
}

func TestRequest_BodyTooLarge(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	largest := `{"organization":"acme"}` + strings.Repeat(" ", 16<<10-23)
	if got := b.Post("/token", largest); got.Status != http.StatusOK {
		t.Errorf("16 KiB: %d %s", got.Status, got.Body)
	}
	for _, size := range []int{1, 1 << 20} {
		w.wants(b.Post("/token", largest+strings.Repeat(" ", size)), http.StatusRequestEntityTooLarge, api.InvalidRequest)
	}
}

func TestRequest_MediaType(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for _, media := range []string{absent, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "text/json", "application/json; ;", "application/ld+json"} {
		got := send(b, "Content-Type", media).Post("/token", `{"organization":"acme"}`)
		w.wants(got, http.StatusUnsupportedMediaType, api.InvalidRequest)
	}
	for _, media := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8"} {
		if got := b.With("Content-Type", media).Post("/token", `{"organization":"acme"}`); got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", media, got.Status, got.Body)
		}
	}
}

// routes are the paths with their expected answers.
var routes = map[string]string{
	"/token": "POST", "/logout": "POST", "/session": "GET",
	"/.well-known/jwks.json": "GET", "/.well-known/openid-configuration": "GET", "/.well-known/oauth-authorization-server": "GET",
}

func TestRequest_OtherMethod(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	before := fmt.Sprint(b.Cookies())
	for path, method := range routes {
		for _, other := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "BREW"} {
			if other == method || method == "GET" && other == "HEAD" {
				continue
			}
			got := b.Fetch(other, path, `{"scope":"session"}`)
			w.wants(got, http.StatusMethodNotAllowed, api.InvalidRequest)
			allowed := got.Header.Get("Allow")
			if !strings.Contains(allowed, method) || strings.Contains(allowed, "HEAD") != (method == "GET") || !strings.Contains(allowed, "OPTIONS") {
				t.Errorf("%s %s: Allow is %q", other, path, allowed)
			}
		}
	}
	for _, path := range []string{"/login", "/callback"} {
		got := b.Fetch("PUT", path, "{}")
		w.wants(got, http.StatusMethodNotAllowed, api.InvalidRequest)
		if got := got.Header.Get("Allow"); got != "GET, HEAD, POST, OPTIONS" {
			t.Errorf("%s: Allow is %q", path, got)
		}
	}
	if fmt.Sprint(b.Cookies()) != before {
		t.Error("a refused method changed the browser's cookies")
	}
	w.mint(b, "acme")
}

func TestRequest_HEAD(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice").With("X-Request-Id", "one") // each request has another otherwise
	for path, method := range routes {
		if method != "GET" || path == "/login" || path == "/callback" {
			continue
		}
		get, head := b.Fetch("GET", path, ""), b.Fetch("HEAD", path, "")
		if get.Status != http.StatusOK || head.Status != get.Status || fmt.Sprint(head.Header) != fmt.Sprint(get.Header) {
			t.Errorf("%s: %d %v\nHEAD: %d %v", path, get.Status, get.Header, head.Status, head.Header)
		}
	}
}

func TestRequest_UnknownPath(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for _, path := range []string{"", "/", "/tokens", "/token/", "/token/x", "/TOKEN", "/.well-known/", "/dev-idp", "/sessions.json"} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			w.wants(b.Fetch(method, path, `{}`), http.StatusNotFound, api.NotFound)
		}
	}
}

func TestRequest_NoCookie(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
	w.wants(b.Get("/session"), http.StatusUnauthorized, api.LoginRequired)
}

// TestRequest_ErrorFormat checks the format of errors and that their codes are
// documented.
func TestRequest_ErrorFormat(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	for _, body := range []string{b.Post("/token", `{}`).Body, b.Post("/token", `[]`).Body, b.Get("/nothing").Body, b.Fetch("PUT", "/token", "").Body} {
		var e api.Error
		if err := json.Unmarshal([]byte(body), &e); err != nil || e.Code == "" || e.Description == "" || e.ServerTime != w.Now().Unix() {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
	}
}

func TestLogin_MalformedParameters(t *testing.T) {
	w := newBackend(t, nil)
	for name, query := range map[string]string{
		"a parameter twice":          "app=web&app=web",
		"an unknown app":             "app=nobody",
		"a disabled app":             "app=old",
		"a foreign return_to":        "return_to=https://evil.test/",
		"another app's return_to":    "app=web&return_to=" + sibling + "/",
		"a path that is none":        "return_to=//evil.test",
		"a negative max_age":         "max_age=-1",
		"a max_age that is none":     "max_age=soon",
		"an endless max_age":         "max_age=99999999999",
		"a malformed escape":         "organization=%zz",
		"a semicolon":                "app=web;return_to=/",
		"a foreign one that is long": "return_to=https://evil.test/" + strings.Repeat("a", 2048),
		"a foreign one of control":   "return_to=/%09/evil.test",
		"a disabled app's return_to": "return_to=http://localhost:9001/",
	} {
		t.Run(name, func(t *testing.T) {
			w := w.inSubtest(t)
			b := w.browser()
			w.wants(b.Login(query), http.StatusBadRequest, api.InvalidRequest)
			if len(b.Cookies()) != 0 {
				t.Errorf("the browser keeps %v", b.Cookies())
			}
		})
	}
}
