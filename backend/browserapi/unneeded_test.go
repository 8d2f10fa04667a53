package browserapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestLogin_UnneededParameters: parameters that nobody needs refuse no sign-in, and an
// address that cannot be read leads to the app's start.
func TestLogin_UnneededParameters(t *testing.T) {
	w := newBackend(t, nil)
	for query, want := range map[string]string{
		"app=web&utm=50%off":                          origin + "/",
		"app=web&x=1&x=2&return_to=/a":                origin + "/a",
		"app=web&%zz=1&return_to=/a":                  origin + "/a",
		"app=web&a;b=c&return_to=/a":                  origin + "/a",
		"app=web&return_to=/sale%":                    origin + "/",
		"app=web&return_to=/a%2":                      origin + "/",
		"return_to=/a%2":                              origin + "/",
		"app=web&return_to=/a&return_to=/b":           origin + "/",
		"app=web&return_to=/a;b":                      origin + "/a;b",
		"app=web&login_hint=%zz":                      origin + "/",
		"return_to=" + strings.ToUpper(origin) + "/x": origin + "/x",
		`app=web&return_to=http:\\localhost:8080\x`:   origin + "/x",
		"app=web&return_to=//LOCALHOST:8080/x":        origin + "/x",
	} {
		b := w.browser()
		if landed := b.Choose(b.Login(query), "alice"); landed.URL.String() != want {
			t.Errorf("%s leads to %s, want %s: %d %.200s", query, landed.URL, want, landed.Status, landed.Body)
		}
		device := httpbrowser.NewDevice(t)
		b = w.browser().On(device)
		if landed := b.Choose(b.Begin(publicURL+"/login?"+query), "alice"); landed.URL.String() != want {
			t.Errorf("POST: %s leads to %s, want %s: %d %.200s", query, landed.URL, want, landed.Status, landed.Body)
		}
	}
	for _, query := range []string{"acr_values=%zz", "organization=acme&organization=globex", "max_age=%", "prompt=%zz", "user=%zz"} {
		w.wants(w.browser().Login(query), http.StatusBadRequest, api.InvalidRequest)
	}
}

// TestForeignLink_RefusedAtOnce: a link that would be refused in the end does not ask first.
func TestForeignLink_RefusedAtOnce(t *testing.T) {
	w := newBackend(t, nil)
	for _, query := range []string{"app=web&organization=%ff", "app=web&max_age=1.5", "app=web&session_cookie=maybe", "app=web&return_to=https://evil.test/"} {
		got := w.portal().Open(publicURL + "/login?" + query)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		if len(linksOf(got)) == 0 {
			t.Errorf("%s leads nowhere: %s", query, got.Body)
		}
	}
}

// sendForm posts a body, as it is written, without cookies, as a navigation.
func (w *backend) sendForm(path, media, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, publicURL+path, strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Origin", portalIssuer)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer := httptest.NewRecorder()
	w.Hosts["localhost:8080"].ServeHTTP(answer, r)
	return answer
}

const urlencoded = "application/x-www-form-urlencoded"

// TestFormPost_UnneededFields: a posted answer is taken whatever is beside it.
func TestFormPost_UnneededFields(t *testing.T) {
	w := newFormPostBackend(t)
	for name, more := range map[string]string{
		"malformed": "&x=%zz", "repeated": "&user=a&user=b", "with a semicolon": "&a;b=c", "large": "&id_token=" + strings.Repeat("x", 100_000),
	} {
		got := w.sendForm("/callback", urlencoded, "code=abc&state=def"+more)
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `value="abc"`) || strings.Contains(got.Body.String(), "xxx") {
			t.Errorf("%s: %d %.300s", name, got.Code, got.Body)
		}
	}
}

// TestInitiated_AnyEncoding: a portal's form gets a page, however it is encoded.
func TestInitiated_AnyEncoding(t *testing.T) {
	w := newBackend(t, nil)
	for name, test := range map[string]struct {
		media, body string
		status      int
		leads       string
	}{
		"urlencoded":              {urlencoded, url.Values{"iss": {issuer}}.Encode(), http.StatusOK, "Continue to sign in"},
		"with a malformed field":  {urlencoded, url.Values{"iss": {issuer}}.Encode() + "&x=%zz&y=1&y=2", http.StatusOK, "Continue to sign in"},
		"multipart":               {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"iss\"\r\n\r\n" + issuer + "\r\n--x--\r\n", http.StatusOK, "Continue to sign in"},
		"multipart of nothing":    {"multipart/form-data; boundary=x", "--x--\r\n", http.StatusBadRequest, "Go to"},
		"multipart, broken":       {"multipart/form-data; boundary=x", "x", http.StatusBadRequest, "Go to"},
		"multipart, no boundary":  {"multipart/form-data", "x", http.StatusBadRequest, "Go to"},
		"plain text":              {"text/plain", "iss=" + issuer, http.StatusBadRequest, "Go to"},
		"plain text, in any case": {"Text/Plain; charset=utf-8", "iss=" + issuer, http.StatusBadRequest, "Go to"},
	} {
		got := w.sendForm("/login", test.media, test.body)
		if got.Code != test.status || !strings.Contains(got.Body.String(), test.leads) || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

// TestLogouts_OneRule: of the parameters of a provider's logout a repeated one is refused,
// and malformed ones that are not its own are ignored.
func TestLogouts_OneRule(t *testing.T) {
	w := newBackend(t, nil)
	w.Relying = func(c *login.Config) { c.FrontchannelLogout = true }
	w.Restart()
	w.signedIn("alice")
	good := url.QueryEscape(w.logoutToken("alice", func(jwt.MapClaims) {}))
	for body, want := range map[string]int{
		"logout_token=" + good + "&logout_token=x":    http.StatusBadRequest,
		"logout_token=x&logout_token=" + good:         http.StatusBadRequest,
		"x=1&logout_token=" + good + "&z=%zz&y=1&y=2": http.StatusOK,
		"": http.StatusBadRequest,
	} {
		if got := w.sendForm("/backchannel-logout", urlencoded, body); got.Code != want || strings.Contains(got.Header().Get("Content-Type"), "html") {
			t.Errorf("%.40s: %d %s", body, got.Code, got.Body)
		}
	}
	for query, want := range map[string]int{
		"sid=a&sid=a": http.StatusOK, "sid=a&x=%zz&y=1&y=2": http.StatusOK, "sid=a&sid=b": http.StatusBadRequest, "": http.StatusBadRequest,
		"sid=a&iss=https://evil.test": http.StatusBadRequest, "sid=a&iss=" + issuer + "&iss=" + issuer: http.StatusBadRequest,
	} {
		got := w.browser().Open(publicURL + "/frontchannel-logout?" + query)
		if got.Status != want || strings.Contains(got.Body, "sign you in") {
			t.Errorf("%q: %d %s", query, got.Status, got.Body)
		}
	}
}
