//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	events "github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// scheduledTest is a Worker whose cron trigger a test fires.
type scheduledTest struct {
	t      *testing.T
	origin string
	log    *workerd.Log
}

func newScheduledTest(t *testing.T, state string, more map[string]string) scheduledTest {
	t.Helper()
	workerd.Must(t, workerd.Build())
	s := scheduledTest{t, fmt.Sprintf("http://localhost:%d", ports.Hold(t)), &workerd.Log{}}
	variables := workerd.Variables(s.origin+"/auth", "http://127.0.0.1:1", "id", "secret")
	variables["TABARD_SECRET"] = strings.Repeat("A", 43) + "=" // that of all Workers of a database
	for name, value := range more {
		variables[name] = value
	}
	var port int
	fmt.Sscanf(s.origin, "http://localhost:%d", &port)
	w, err := workerd.Launch(workerd.Options{
		Port: port, Entry: "workerd/distant.mjs", Variables: variables, State: state, Buckets: []string{"AUDIT"},
	}, s.log)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	t.Cleanup(func() { w.Stop() })
	return s
}

func (s scheduledTest) fire(want int) {
	s.t.Helper()
	if r := ask(s.t, http.MethodGet, s.origin+"/cdn-cgi/handler/scheduled", nil); r.StatusCode != want {
		s.t.Errorf("%d, want %d\n%s", r.StatusCode, want, s.log)
	}
}

// exported returns the events in the bucket, by id.
func (s scheduledTest) exported() map[string]events.Event {
	s.t.Helper()
	response, err := http.Get(s.origin + "/exported")
	workerd.Must(s.t, err)
	defer response.Body.Close()
	var objects map[string]string
	workerd.Must(s.t, json.NewDecoder(response.Body).Decode(&objects))
	all := map[string]events.Event{}
	for key, text := range objects {
		if !strings.HasPrefix(key, "audit/") {
			s.t.Errorf("an object named %s", key)
		}
		for lines := json.NewDecoder(strings.NewReader(text)); lines.More(); {
			var e events.Event
			workerd.Must(s.t, lines.Decode(&e))
			all[e.ID] = e
		}
	}
	return all
}

// TestRoom_AlarmAt70Percent: an alarm sounds when the database has 70 % of its room.
func TestRoom_AlarmAt70Percent(t *testing.T) {
	t.Parallel()
	posted := make(chan string, 4)
	alarms := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		posted <- string(text)
	}))
	t.Cleanup(alarms.Close)
	state := workerd.Database(t, directory.Desired{})
	roomy := newScheduledTest(t, state, map[string]string{"TABARD_ALARM_URL": alarms.URL})
	roomy.fire(http.StatusOK)
	if len(posted) != 0 || strings.Contains(roomy.log.String(), "fills up") {
		t.Errorf("an alarm without a cause: %s", roomy.log)
	}
	full := newScheduledTest(t, state, map[string]string{"TABARD_ALARM_URL": alarms.URL, "TABARD_D1_BYTES": "1000"})
	full.fire(http.StatusOK)
	select {
	case text := <-posted:
		if !strings.Contains(text, `of 1000 bytes`) {
			t.Error(text)
		}
		await(t, full.log, `"the database fills up"`)
	default:
		t.Error("no alarm")
	}
	newScheduledTest(t, state, map[string]string{"TABARD_ALARM_URL": "http://127.0.0.1:1", "TABARD_D1_BYTES": "1000"}).fire(http.StatusInternalServerError)
}

// TestRoom_EventsAreExportedBeforeTheyAreForgotten: the audit log goes to R2 first.
func TestRoom_EventsAreExportedBeforeTheyAreForgotten(t *testing.T) {
	t.Parallel()
	state := workerd.Database(t, directory.Desired{})
	insert := func(id, at string) string {
		return `INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address)
			VALUES ('` + id + `', ` + at + `, 'sign_in', 'done', '', 'usr_1', 'usr_1', '', '', '', '192.0.2.1');`
	}
	many := `INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
		SELECT 'evt_' || i, 1000 + i / 2, 'sign_in', 'done', '', '', '', '', '', '', '' FROM n;`
	workerd.Must(t, workerd.Fill(state, many+insert("evt_now", "CAST(strftime('%s', 'now') AS INTEGER)")))
	s := newScheduledTest(t, state, nil)
	s.fire(http.StatusOK)
	all := s.exported()
	if len(all) != 2500 || all["evt_2500"].At != 2250 || all["evt_now"].ID != "" {
		t.Errorf("%d events were exported", len(all))
	}
	await(t, s.log, `"events deleted","count":2499`) // all but the last that was exported
	s.fire(http.StatusOK)                            // which has nothing to do
	if again := s.exported(); len(again) != 2500 {
		t.Errorf("%d events after the second run", len(again))
	}
}
