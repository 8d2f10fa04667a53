package browserapi_test

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/browserapi"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/revalidation"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// faultyBackend returns a backend whose store can fail, with a membership claim.
func faultyBackend(t *testing.T) (*backend, *lite.Faulty) {
	d := desired()
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "groups", Roles: []string{"viewer"}}
	d.Workspace.Apps[0].StatedClaims = map[string]directory.StatedClaim{"employee": {Provider: "employee_number"}}
	w := newBackendWith(t, d, nil)
	return w, w.Failing()
}

// TestStorageFault_ChangesNothing lets every call of the store fail in turn, one before its
// effect and the next after it. TestStorageFault_EitherWay lets each fail in both ways.
func TestStorageFault_ChangesNothing(t *testing.T) {
	storageFaults(t, func(call int) []bool { return []bool{call%2 == 1} })
}

// storageFaults runs each request of faultRequests with faults of the store. ways returns
// whether a call's fault comes before its effect, after it, or in both ways.
func storageFaults(t *testing.T, ways func(call int) []bool) {
	t.Helper()
	used := map[string]bool{}
	for name, prepare := range faultRequests {
		w, faulty := faultyBackend(t)
		ask := prepare(w)
		faulty.Fail(0, false)
		if got := ask(); got.Status >= 400 {
			t.Fatalf("%s, without a fault: %d %s", name, got.Status, got.Body)
		}
		calls := faulty.Calls()
		for i, method := range calls {
			used[method] = true
			if method == "RecordEvent" {
				continue // see TestStorageFault_AuditLog
			}
			for _, lost := range ways(i) {
				t.Run(fmt.Sprintf("%s, %s, lost %t", name, method, lost), func(t *testing.T) {
					oneFault(t, prepare, i+1, lost, lost || slices.ContainsFunc(calls[:i], creates))
				})
			}
		}
	}
	var missing []string
	revalidates := reflect.TypeFor[revalidation.Store]() // see TestRevalidation_StorageFault
	for method := range reflect.TypeFor[browsersStore]().Methods() {
		if _, own := revalidates.MethodByName(method.Name); own && method.Name != "KeepProviderToken" || method.Name == "Revoke" {
			continue
		}
		if !used[method.Name] && method.Name != "Ping" && method.Name != "Events" {
			missing = append(missing, method.Name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no request uses %v", missing)
	}
}

// creates reports whether a method of the store uses an attempt.
func creates(method string) bool { return method == "Create" || method == "CreateAccompanied" }

// browsersStore is the part of the store that the handler needs.
type browsersStore interface {
	browserapi.Store
	signingkey.Store
}

// jwtStart is how every access token begins: {"alg" in base64url. Fewer letters of it
// stand in a random state now and then.
const jwtStart = "eyJhbGci"

func oneFault(t *testing.T, prepare func(*backend) request, at int, lost, spent bool) {
	w, faulty := faultyBackend(t)
	ask := prepare(w)
	faulty.Fail(at, lost)
	got := ask()
	w.wants(got, http.StatusServiceUnavailable, api.TemporarilyUnavailable)
	if len(got.Cookies()) != 0 || strings.Contains(got.Body, jwtStart) || got.Header.Get("Retry-After") == "" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", got.Header, got.Body)
	}
	if !strings.Contains(w.Logged.String(), lite.ErrFault.Error()) {
		t.Error("the log does not say why")
	}
	faulty.Fail(0, false)
	again := ask()
	used := again.Code() == string(api.InvalidRequest) || strings.Contains(again.Body, "used before")
	if again.Status >= 400 && !(spent && used) { // a created session has used its attempt, even without an answer
		t.Errorf("asked again: %d %s", again.Status, again.Body)
	}
}

func TestStorageFault_AuditLog(t *testing.T) {
	for name, prepare := range faultRequests {
		w, faulty := faultyBackend(t)
		ask := prepare(w)
		faulty.Fail(0, false)
		want := ask().Status
		at := slices.Index(faulty.Calls(), "RecordEvent") + 1
		if at == 0 {
			continue
		}
		w, faulty = faultyBackend(t)
		ask = prepare(w)
		faulty.Fail(at, false)
		if got := ask(); got.Status != want {
			t.Errorf("%s: %d, want %d", name, got.Status, want)
		}
		if !strings.Contains(w.Logged.String(), "an audit event was not recorded") {
			t.Errorf("%s: the log does not say what the trail misses", name)
		}
	}
}

func TestStorageFault_Health(t *testing.T) {
	w, faulty := faultyBackend(t)
	if got := w.browser().Get("/readyz"); got.Status != http.StatusOK {
		t.Errorf("ready: %d %s", got.Status, got.Body)
	}
	faulty.Fail(1, false)
	if got := w.browser().Get("/readyz"); got.Status != http.StatusServiceUnavailable || !slices.Equal(faulty.Calls(), []string{"Ping"}) {
		t.Errorf("not ready: %d %s", got.Status, got.Body)
	}
	if got := w.browser().Get("/healthz"); got.Status != http.StatusOK {
		t.Errorf("healthy: %d %s", got.Status, got.Body)
	}
}
