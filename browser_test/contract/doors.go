package contract

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/serverapi/adminapi"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
)

// door is a request of the backend.
type door struct{ method, path string }

// doorsOf returns every request that the backend answers.
func doorsOf() (all []door) {
	for _, path := range []string{
		api.PathLogin, api.PathLogin + "/con_northwind", api.PathCallback, api.PathCallback + "/con_northwind", api.PathToken, api.PathLend,
		api.PathSession, api.PathSessions, api.PathSessions + "/ses_1", api.PathLogout,
		api.PathHandover, api.PathHandoverCode, api.PathHandoverOrigin, api.PathHandoverJoin,
		api.PathBackchannelLogout, api.PathBackchannelLogout + "/con_northwind", api.PathRevocation, api.PathRevocation + "/con_northwind",
		api.PathFrontchannelLogout, api.PathFrontchannelLogout + "/con_northwind", "/events/poll",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			all = append(all, door{method, path})
		}
	}
	values := strings.NewReplacer("{organization}", "acme", "{user}", "usr_1", "{connection}", "con_northwind", "{domain}", "acme.example",
		"{session}", "ses_1", "{key}", "key_1", "{workspace_id}", "default")
	for _, r := range adminapi.Routes {
		all = append(all, door{r.Method, adminapi.Path + values.Replace(r.Path)})
	}
	for _, r := range crossapp.Routes {
		all = append(all, door{r.Method, crossapp.Path + values.Replace(r.Path)})
	}
	return all
}

// doors tries the last access token at every door: as a bearer token, as a key's subject
// token, as a session's cookie, and as what a body or query may name. No door may answer
// it as it answers nobody else.
func (s *script) doors([]string) error {
	opened := 0
	for _, d := range doorsOf() {
		for place := range places {
			garbage, err := s.try(d, place, "garbage")
			if err != nil {
				return err
			}
			tried, err := s.try(d, place, s.token)
			if err != nil {
				return err
			}
			if tried != garbage && tried < 400 {
				return fmt.Errorf("%s %s with the token as %s answers %d, and %d with garbage", d.method, d.path, place, tried, garbage)
			}
			if garbage < 400 {
				opened++ // to everybody, such as the page that a sign-in begins at
			}
		}
	}
	if most := 8 * len(places); opened > most {
		return fmt.Errorf("%d doors are open to garbage, more than %d: they show nothing", opened, most)
	}
	return nil
}

// places are where a request carries a token.
var places = map[string]func(r *http.Request, s *script, token string){
	"Authorization": func(r *http.Request, _ *script, token string) { r.Header.Set("Authorization", "Bearer "+token) },
	"a subject token": func(r *http.Request, s *script, token string) {
		r.Header.Set("Authorization", "Bearer "+s.target.Keys["demo"])
		r.Header.Set("X-Authorization", token)
	},
	"a cookie": func(r *http.Request, s *script, token string) {
		for name := range s.browsers[s.browser].Cookies() {
			r.AddCookie(&http.Cookie{Name: name, Value: token})
		}
	},
	"a parameter": func(r *http.Request, _ *script, token string) {
		r.URL.RawQuery = "access_token=" + token + "&id_token_hint=" + token + "&logout_token=" + token + "&code=" + token
	},
}

// try sends a request with a token in a place, and returns the answer's status. Each comes
// from an address of its own, so that no limit of failures answers in the door's place, nor
// refuses the other scripts.
func (s *script) try(d door, place, token string) (int, error) {
	var body io.Reader
	if d.method != http.MethodGet {
		body = strings.NewReader(bodyFor(d.path, token))
	}
	r, err := http.NewRequestWithContext(s.tb.Context(), d.method, s.target.PublicURL+d.path, body)
	if err != nil {
		return 0, err
	}
	if places[place](r, s, token); body != nil {
		r.Header.Set("Content-Type", "application/json")
		if place == "a cookie" || place == "a parameter" { // as a page of the app sends it
			r.Header.Set("Origin", s.target.Origin)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set(api.HeaderClient, "test")
		}
	}
	from := net.IPv4(127, 1, byte(s.tries>>8), byte(s.tries))
	s.tries++
	r.Header.Set("CF-Connecting-IP", from.String()) // for the Worker
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	answer, err := (&http.Transport{DialContext: dialer.DialContext}).RoundTrip(r) // follows no redirect
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// bodyFor returns the body that a request takes.
func bodyFor(path, token string) string {
	switch {
	case strings.HasSuffix(path, "/sessions/refresh"):
		return `{"refresh":"` + token + `"}`
	case strings.HasPrefix(path, crossapp.Path+"/workspaces"):
		return `{"app_id":"reports"}`
	case path == api.PathToken, path == api.PathLend:
		return `{"organization":"acme"}`
	case path == api.PathLogout:
		return `{"scope":"session"}`
	}
	return `{}`
}
