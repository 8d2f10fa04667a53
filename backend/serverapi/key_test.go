package serverapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// unlimited sends a request from an address of its own, so that its failure counts
// alone.
func (w *backend) unlimited(n int, authorization ...string) answer {
	r := w.request("GET", "/policy", "", "")
	r.RemoteAddr = fmt.Sprintf("[2001:db8:0:%x::1]:1", n)
	r.Header["Authorization"] = authorization
	return w.send(r)
}

func TestAKeyIsAllOfItsTextAndNothingElse(t *testing.T) {
	w := newBackend(t, nil)
	n := 0
	refuses := func(what string, authorization ...string) {
		n++
		if got := w.unlimited(n, authorization...); got.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", what, got.Status, got.Body)
		}
	}
	for i := range w.whole {
		refuses("a prefix", "Bearer "+w.whole[:i])
		for bit := range 8 {
			flipped := []byte(w.whole)
			flipped[i] ^= 1 << bit
			refuses("a flipped bit", "Bearer "+string(flipped))
		}
	}
	refuses("more", "Bearer "+w.whole+"A")
	refuses("another scheme", "Basic "+w.whole)
	refuses("no scheme", w.whole)
	refuses("two", "Bearer "+w.whole, "Bearer "+w.whole)
	refuses("two in one", "Bearer "+w.whole+", Bearer "+w.whole)
	if got := w.unlimited(0, "bearer "+w.whole); got.Status != http.StatusOK { // schemes have no case (RFC 9110 section 11.1)
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

func TestAKeyIsShownOnceAndStoredAsAHash(t *testing.T) {
	w := newBackend(t, nil)
	var made admin.CreatedKey
	w.does("POST", "/keys", `{"name":"of the billing server","organization":"acme"}`, w.whole, &made)
	for _, path := range []string{"/keys", "/keys/" + made.ID, "/audit"} {
		if got := w.ask("GET", path, "", w.whole); strings.Contains(got.Body, made.Secret[4:]) || !strings.Contains(got.Body, made.ID) {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	stored, err := w.Store.Key(t.Context(), made.ID)
	if err != nil || stored.Hash == "" || strings.Contains(made.Secret, stored.Hash) || stored.OrganizationID != "org_acme" {
		t.Errorf("%+v: %v", stored, err)
	}
	if strings.Contains(w.Logged.String(), made.Secret[4:]) {
		t.Error("the log has the key")
	}
}

// TestACopyOfTheDatabaseOpensNothing: a key's row is no key, and no key is valid under
// another secret.
func TestACopyOfTheDatabaseOpensNothing(t *testing.T) {
	w := newBackend(t, nil)
	var list admin.List[admin.KeyInfo]
	w.does("GET", "/keys", "", w.whole, &list)
	stored, err := w.Store.Key(t.Context(), list.Items[0].ID)
	w.must(stored, err)
	w.wants(w.unlimited(1, "Bearer tbk_"+stored.Hash+"A"), http.StatusUnauthorized, api.AdminKeyRequired)
	w.Secret, _ = signingkey.NewSecret()
	w.Restart()
	w.wants(w.unlimited(2, "Bearer "+w.whole), http.StatusUnauthorized, api.AdminKeyRequired)
}

// TestAKeyOutlivesTheSecretThatItWasMadeUnder, where it is used while both are there.
func TestAKeyOutlivesTheSecretThatItWasMadeUnder(t *testing.T) {
	w := newBackend(t, nil)
	_, older := signingkey.NewSecret()
	_, newer := signingkey.NewSecret()
	under := func(text string) {
		var err error
		w.Secret, err = signingkey.ParseSecret(text)
		w.must(nil, err)
		w.service = admin.New(admin.Config{Store: w.Store, Secret: w.Secret, Now: w.Now})
		w.Restart()
	}
	under(older)
	used, unused := w.key("used", ""), w.key("unused", "")
	w.does("GET", "/policy", "", used, nil)
	under(newer + "\n" + older)
	w.does("GET", "/policy", "", used, nil)
	under(newer)
	w.does("GET", "/policy", "", used, nil)
	w.wants(w.ask("GET", "/policy", "", unused), http.StatusUnauthorized, api.AdminKeyRequired)
}

func TestTheLastUseOfAKeyIsKeptByTheHour(t *testing.T) {
	w := newBackend(t, nil)
	var made admin.CreatedKey
	w.does("POST", "/keys", `{"name":"used"}`, w.whole, &made)
	begun := w.Now().Unix()
	for _, step := range []struct {
		pass time.Duration
		want int64
	}{{0, 0}, {59 * time.Minute, 0}, {time.Minute, 3600}} {
		w.Pass(step.pass)
		w.does("GET", "/policy", "", made.Secret, nil)
		var k admin.KeyInfo
		w.does("GET", "/keys/"+made.ID, "", w.whole, &k)
		if k.LastUsedAt != begun+step.want {
			t.Errorf("after %v: used at %+d", step.pass, k.LastUsedAt-begun)
		}
	}
}

// TestWrongKeysDoNotLockOutAServerWithTheSameAddress: behind a proxy that the backend does
// not trust, all clients have the same address.
func TestWrongKeysDoNotLockOutAServerWithTheSameAddress(t *testing.T) {
	w := newBackend(t, nil)
	var ended admin.CreatedKey
	w.does("POST", "/keys", `{"name":"ended"}`, w.whole, &ended)
	w.does("GET", "/policy", "", ended.Secret, nil)
	w.does("DELETE", "/keys/"+ended.ID, "", w.whole, nil)
	for range 60 {
		w.ask("GET", "/policy", "", "tbk_wrong")
	}
	w.does("GET", "/policy", "", w.whole, nil)
	w.wants(w.ask("GET", "/policy", "", w.acme), http.StatusTooManyRequests, api.RateLimited) // never seen before
	w.wants(w.ask("GET", "/policy", "", ended.Secret), http.StatusUnauthorized, api.AdminKeyRequired)
	w.wants(w.ask("GET", "/policy", "", ended.Secret), http.StatusTooManyRequests, api.RateLimited)
	w.Pass(59 * time.Minute)
	for range 60 {
		w.ask("GET", "/policy", "", "tbk_wrong")
	}
	w.does("GET", "/policy", "", w.whole, nil)
	w.Pass(61 * time.Minute)
	for range 60 {
		w.ask("GET", "/policy", "", "tbk_wrong")
	}
	w.wants(w.ask("GET", "/policy", "", w.whole), http.StatusTooManyRequests, api.RateLimited)
}

func TestAnAddressIsRefusedUnheardAfterManyFailures(t *testing.T) {
	w := newBackend(t, nil)
	from := func(address, key string) answer {
		r := w.request("GET", "/policy", "", key)
		r.RemoteAddr = address
		return w.send(r)
	}
	for range 30 {
		w.wants(from("[2001:db8::1]:1", "tbk_wrong"), http.StatusUnauthorized, api.AdminKeyRequired)
	}
	for _, sameNetwork := range []string{"[2001:db8::1]:1", "[2001:db8::ffff:1]:2", "2001:db8::7"} {
		got := from(sameNetwork, w.whole)
		if w.wants(got, http.StatusTooManyRequests, api.RateLimited); got.Header.Get("Retry-After") == "" {
			t.Errorf("%v", got.Header)
		}
	}
	for _, other := range []string{"[2001:db8:0:1::1]:1", "192.0.2.1:1", "192.0.2.9", ""} {
		if got := from(other, w.whole); got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", other, got.Status, got.Body)
		}
	}
	w.Pass(time.Minute)
	if got := from("[2001:db8::1]:1", w.whole); got.Status != http.StatusOK {
		t.Errorf("a minute later: %d %s", got.Status, got.Body)
	}
}

func TestARefusedAddressIsNotOneThatIsRefusedForItsRights(t *testing.T) {
	w := newBackend(t, nil)
	for range 40 {
		w.wants(w.ask("GET", "/users", "", w.acme), http.StatusForbidden, api.AdminAccessDenied)
	}
}

// An id that an administrator names in an address is a name in the log.
func TestNoSessionIDReachesTheServersLog(t *testing.T) {
	w := newBackend(t, nil)
	id := session.NewID().String()
	w.ask("DELETE", "/sessions/"+id, "", w.whole)
	if log := w.Logged.String(); strings.Contains(log, id) || !strings.Contains(log, w.Secret.LogNames().Session(id)) {
		t.Errorf("the log is %s", log)
	}
}
