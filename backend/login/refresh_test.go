package login_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

const metadataPath = "/.well-known/openid-configuration"

// TestProvider_MovedEndpointsAreFollowed checks that a failing endpoint is replaced
// within the same sign-in.
func TestProvider_MovedEndpointsAreFollowed(t *testing.T) {
	for _, path := range []string{"/token", "/jwks.json", "/userinfo"} {
		synctest.Test(t, func(t *testing.T) {
			p := provider(t)
			c := client(p)
			if _, err := signInAt(t, c, p, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // advances the fake clock
			p.Moved = map[string]string{path: path + "/2"}
			p.ReplaceKey("2") // so that its keys are fetched
			if got, err := signInAt(t, c, p, nil); err != nil || got.Email != "alice@example.com" {
				t.Errorf("%s moved: %+v, %v", path, got, err)
			}
		})
	}
}

// TestProvider_MetadataRefreshedWithinTheHour checks a moved authorization endpoint,
// which causes no error here.
func TestProvider_MetadataRefreshedWithinTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		var reads atomic.Int64
		c := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == metadataPath {
				reads.Add(1)
			}
			p.ServeHTTP(w, r)
		}))
		for range 60 {
			c.AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{})
			time.Sleep(30 * time.Second)
		}
		if reads.Load() != 1 {
			t.Errorf("they were read %d times in half an hour", reads.Load())
		}
		p.Moved = map[string]string{"/authorize": "/v2/authorize"}
		time.Sleep(30 * time.Minute)
		address, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{})
		if err != nil || !strings.HasPrefix(address, issuer+"/v2/authorize?") {
			t.Errorf("%s, %v", address, err)
		}
	})
}

// TestProvider_KeepsKnownMetadata checks that known metadata are used while they cannot
// be refreshed, without a long delay.
func TestProvider_KeepsKnownMetadata(t *testing.T) {
	for name, fault := range map[string]idp.Fault{"it fails": {Status: http.StatusBadGateway}, "it hangs": {Hangs: true}} {
		synctest.Test(t, func(t *testing.T) {
			p := provider(t)
			c := client(p)
			begin := func() error {
				_, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{})
				return err
			}
			if err := begin(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			p.Faults = map[string]idp.Fault{metadataPath: fault}
			began := time.Now()
			for range 100 {
				if err := begin(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s: a hundred sign-ins took %v", name, took)
			}
			p.Faults, p.Moved = nil, map[string]string{"/authorize": "/v2/authorize"}
			time.Sleep(10 * time.Second)
			if address, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{}); err != nil || !strings.Contains(address, "/v2/") {
				t.Errorf("%s: afterward %s, %v", name, address, err)
			}
		})
	}
}

// TestProvider_WithdrawnKeyDroppedWithinTheHour checks this without an unknown key that
// would cause a refresh.
func TestProvider_WithdrawnKeyDroppedWithinTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		c := client(p)
		if _, err := signInAt(t, c, p, nil); err != nil {
			t.Fatal(err)
		}
		p.Keys = func(own map[string]string) []any {
			own["kid"] = "another"
			return []any{own}
		}
		time.Sleep(time.Hour)
		_, err := signInAt(t, c, p, nil)
		wantRefused(t, err, "invalid_response")
	})
}

// TestProvider_RefreshAfterFailureIsThrottled checks that forged callbacks and tokens
// do not cause many reads.
func TestProvider_RefreshAfterFailureIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		var reads atomic.Int64
		c := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == metadataPath {
				reads.Add(1)
			}
			p.ServeHTTP(w, r)
		}))
		p.Faults = map[string]idp.Fault{"/token": {Status: http.StatusServiceUnavailable}}
		for range 100 {
			if _, err := signInAt(t, c, p, nil); err == nil {
				t.Fatal("signed in")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if reads.Load() > 3 {
			t.Errorf("ten seconds of failures read the metadata %d times", reads.Load())
		}
	})
}
