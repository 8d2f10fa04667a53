//go:build long

// Package chaos has a crowd work on three replicas behind nginx, on PostgreSQL, while
// one kind of fault after the other is repeated:
//
//	go test -tags long -count=1 -timeout 30m ./browser_test/chaos     all of it, in ten minutes
//	go test -tags long -count=1 -timeout 3h ./browser_test/chaos -args -for 3m -only 'kill|clocks' -results chaos.jsonl
//
// No person may be signed out without cause, none may get a token of another
// organization or person, and while one replica can answer, no request may fail twice.
// Each event's result is appended to the file; events that passed before are not run
// again.
package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
)

var (
	duration = flag.Duration("for", 8*time.Second, "duration of each event")
	only     = flag.String("only", "", "run only the events with a name that matches this `REGEXP`")
	results  = flag.String("results", "", "append results to this `FILE`, and skip events that passed according to it")
	people   = flag.Int("people", 30, "number of people in the crowd")
	pause    = flag.Duration("pause", 40*time.Millisecond, "shortest time between two mints of a person")
	members  = flag.Int("members", 2_000, "number of memberships to apply under load")
)

// event is a kind of fault.
type event struct {
	name string
	// replicaLeft reports whether a replica that can answer exists at every moment.
	replicaLeft bool
	// prepare makes the deployment; nil is one on a database of its own.
	prepare func(*testing.T) *scene
	// act makes faults until the time is over.
	act func(*scene)
}

// scene is a deployment in which an event happens.
type scene struct {
	*deployment.Deployment
	crowd *deployment.Crowd
	until time.Time
}

// over reports whether the event's time is over.
func (s *scene) over() bool { return time.Now().After(s.until) }

// rest lets the crowd work for a while between two faults.
func (s *scene) rest() { <-time.After(time.Second) }

// result is a line of the file of results.
type result struct {
	Event   string `json:"event"`
	Seconds int    `json:"seconds"`
	Passed  bool   `json:"passed"`
	deployment.Result
}

func TestChaos(t *testing.T) {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	passed := alreadyPassed(t)
	for _, e := range append(events, operations...) {
		if !wanted.MatchString(e.name) || passed[e.name] {
			continue
		}
		t.Run(e.name, e.run)
	}
}

func (e event) run(t *testing.T) {
	prepare := e.prepare
	if prepare == nil {
		prepare = onPostgres
	}
	s := prepare(t)
	s.crowd = s.StartCrowdAt(t, *people, true, *pause)
	s.crowd.AwaitNewSignIns(t)
	s.crowd.Slowest.Store(0)
	s.until = time.Now().Add(*duration)
	e.act(s)
	s.crowd.AwaitNewSignIns(t) // afterward all goes on
	s.crowd.Stop()
	r := result{Event: e.name, Seconds: int(duration.Seconds()), Result: s.crowd.Result()}
	r.Passed = r.SignOuts+r.FailedSignIn+r.Mixed+r.Revived == 0 && !(e.replicaLeft && r.Stubborn > 0)
	keep(t, r)
	if !r.Passed {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}

func alreadyPassed(t *testing.T) map[string]bool {
	passed := map[string]bool{}
	if *results == "" {
		return passed
	}
	file, err := os.Open(*results)
	if errors.Is(err, fs.ErrNotExist) {
		return passed
	} else if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		passed[r.Event] = r.Passed
	}
	return passed
}

func keep(t *testing.T, r result) {
	if *results == "" {
		return
	}
	file, err := os.OpenFile(*results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := json.NewEncoder(file).Encode(r); err != nil {
		t.Fatal(err)
	}
}
