//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// Events are deleted after 90 days by default, and never if the setting says so.
func TestTheCleanUpForgetsOldEventsWhereItIsTold(t *testing.T) {
	t.Parallel()
	workerd.Must(t, workerd.Build())
	state := workerd.Database(t, directory.Desired{})
	workerd.Must(t, workerd.Fill(state, `INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address)
		VALUES ('evt_old', 1, 'sign_in', 'done', '', '', '', '', '', '', ''),
		('evt_100d', CAST(strftime('%s', 'now') AS INTEGER) - 100 * 86400, 'sign_in', 'done', '', '', '', '', '', '', '');`))
	_, secret := signingkey.NewSecret() // that of both runs
	for _, run := range []struct{ retention, says string }{
		{"0", `"sessions deleted","count":0`}, {"365d", `"events deleted","count":1`}, {"", `"events deleted","count":1`},
	} {
		port := ports.Hold(t)
		publicURL := fmt.Sprintf("http://localhost:%d/auth", port)
		variables := workerd.Variables(publicURL, "http://127.0.0.1:1", "id", "secret")
		variables["TABARD_SECRET"], variables["TABARD_AUDIT_RETENTION"] = secret, run.retention
		log := &workerd.Log{}
		worker, err := workerd.Launch(workerd.Options{Port: port, Entry: "workerd/faulty.mjs", Variables: variables, State: state}, log)
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if r := ask(t, http.MethodGet, fmt.Sprintf("http://localhost:%d/cdn-cgi/handler/scheduled", port), nil); r.StatusCode != http.StatusOK {
			t.Errorf("%q: %d\n%s", run.retention, r.StatusCode, log)
		}
		await(t, log, run.says)
		worker.Stop()
	}
}
