//go:build !js

package main_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// trips returns how often the Worker of workerd/load.mjs has asked its database.
func (c *loadTest) trips(t testing.TB) int {
	t.Helper()
	response, err := http.Get(c.origin + "/round-trips")
	workerd.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	workerd.Must(t, err)
	n, err := strconv.Atoi(string(text))
	workerd.Must(t, err)
	return n
}

// maxTrips is the number of round trips of an instance that has begun. Each takes 30 to 200 ms on
// the platform. A first mint and a mint are counted in the second of the sign-in.
var maxTrips = map[string]int{
	"sign-in, to the provider": 0,
	"sign-in, back":            3, // the revision, the person, the session
	"the first mint":           2, // the session; entering, its check and its event
	"a mint":                   1,
	"the session":              1,
	"sign-out of one":          2,
	"sign-out":                 2,
}

// maxTripsLater are those of a database so far away that each request is in a later second than
// the one before. For a minute and a half, a use of a new refresh token is written down then.
var maxTripsLater = map[string]int{
	"sign-in, back":  3,
	"the first mint": 2, // the session; its use, with entering, its check and its event
	"a mint":         2, // the session; its use
}

// TestTripsToD1 counts the round trips of each request to the database.
func TestTripsToD1(t *testing.T) {
	t.Run("within a second", func(t *testing.T) { testTrips(t, 0, 3, maxTrips) })
	t.Run("in later seconds", func(t *testing.T) { testTrips(t, 600, 2, maxTripsLater) })
}

func testTrips(t *testing.T, distance, rounds int, maxTrips map[string]int) {
	c := newLoadTest(t, "workerd/load.mjs", distance)
	counted := map[string]int{}
	count := func(name string, run func()) {
		before := c.trips(t)
		run()
		trips := c.trips(t) - before
		if known, ok := counted[name]; !ok || trips < known {
			counted[name] = trips
		}
	}
	post := func(b *httpbrowser.Browser, path, body string) func() {
		return func() {
			if got := b.Post(path, body); got.Status != http.StatusOK {
				t.Errorf("%s: %d %s", path, got.Status, got.Body)
			}
		}
	}
	for range rounds { // some also read the epoch, the workspace and the keys
		b := httpbrowser.New(t, c.origin, c.publicURL)
		var page httpbrowser.Response
		count("sign-in, to the provider", func() { page = b.Login("") })
		count("sign-in, back", func() { b.Choose(page, "alice") })
		count("the first mint", post(b, api.PathToken, enterAcme))
		count("a mint", post(b, api.PathToken, enterAcme))
		count("the session", func() {
			if got := b.Get(api.PathSession); got.Status != http.StatusOK {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
		count("sign-out of one", post(b, api.PathLogout, `{"scope":"organization","organization":"acme"}`))
		count("sign-out", post(b, api.PathLogout, `{"scope":"session"}`))
	}
	for name, most := range maxTrips {
		if counted[name] > most {
			t.Errorf("%s: %d round trips, more than %d", name, counted[name], most)
		}
		t.Logf("%s: %d", name, counted[name])
	}
}
