//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestMain keeps no connections: workerd closes one that was idle for five seconds, at
// the moment, it may be, at which a test sends its next request.
func TestMain(m *testing.M) {
	http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
	os.Exit(m.Run())
}

// start runs the Worker with the contract's workspace and provider,
// by one of its scripts.
func start(t *testing.T, entry string) contract.Target {
	t.Helper()
	return startAt(t, entry, 0)
}

// startAt is start with a database that is some milliseconds away, of scripts that look at
// LATENCY.
func startAt(t *testing.T, entry string, distance int) contract.Target {
	t.Helper()
	port := ports.Hold(t)
	return startOn(t, port, fmt.Sprintf("http://localhost:%d", port), entry, distance)
}

// startOn is startAt for pages of an origin.
func startOn(t *testing.T, port int, origin, entry string, distance int) contract.Target {
	t.Helper()
	target := contract.Target{PublicURL: origin + "/auth", Origin: origin}
	issuer := contract.Provider(t, target.PublicURL, origin)
	target.Issuer = issuer
	variables := workerd.Variables(target.PublicURL, issuer, contract.ClientID, contract.ClientSecret)
	variables["TABARD_LOOPBACK_CONNECTIONS"], variables["LATENCY"] = "true", fmt.Sprint(distance)
	secret, err := signingkey.ParseSecret(variables["TABARD_SECRET"])
	if err != nil {
		t.Fatal(err)
	}
	var script string
	target.Keys, script = contract.ServerKeys(t, secret)
	workerd.Start(t, workerd.Options{
		Port: port, Entry: entry, Variables: variables, Desired: contract.Seal(contract.Scripted(issuer, origin), secret), Script: script + contract.VerifyDomain,
	})
	return target
}

func TestTheWorker(t *testing.T) {
	t.Parallel()
	target := start(t, "entry.mjs")
	t.Run("keeps the contract", func(t *testing.T) { contract.Run(t, target) })
	t.Run("serves the browser module and the face as the server does", func(t *testing.T) { clientFilesAreServed(t, target) })
}

// TestTheWorker_Origins runs the scripts of an app that has an origin for each organization.
func TestTheWorker_Origins(t *testing.T) {
	t.Parallel()
	port := ports.Hold(t)
	contract.RunOrigins(t, startOn(t, port, contract.ManyOrigin(port), "entry.mjs", 0))
}

func TestAWorkerWithoutItsSettingsSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	log := &workerd.Log{}
	w, err := workerd.Launch(workerd.Options{
		Port: port, State: workerd.Database(t, directory.Desired{}),
		Variables: map[string]string{"TABARD_PUBLIC_URL": "https://app.example.com/auth", "TABARD_SECRET": "short", "TABARD_D1_BYTES": "500MB"},
	}, log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() { w.Stop() })
	answer := ask(t, http.MethodGet, fmt.Sprintf("http://localhost:%d/auth/session", port), nil)
	if answer.StatusCode != http.StatusServiceUnavailable || code(t, answer) != string(api.TemporarilyUnavailable) {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
	for _, name := range []string{"TABARD_OIDC_ISSUER is missing", "TABARD_OIDC_CLIENT_ID is missing", "TABARD_OIDC_CLIENT_SECRET is missing", "TABARD_SECRET: ", `TABARD_D1_BYTES: \"500MB\" is not`} {
		await(t, log, name)
	}
}

// await waits until a Worker's log contains a text; log lines come after the responses.
func await(t *testing.T, log *workerd.Log, text string) {
	t.Helper()
	awaitTimes(t, log, text, 1)
}

// awaitTimes waits until a text is in a log so many times.
func awaitTimes(t *testing.T, log *workerd.Log, text string, times int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		if strings.Count(log.String(), text) >= times {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it does not say %q:\n%s", text, log)
		}
	}
}
