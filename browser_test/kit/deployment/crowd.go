package deployment

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// Crowd is a set of people at work: each has a browser, mints again and again, and now
// and then signs out and in again.
type Crowd struct {
	*Deployment
	People []*Worker
	// pause is the shortest time between two mints of a person.
	pause time.Duration
	stop  chan struct{}
	done  sync.WaitGroup
	// patient lets a person begin a failed sign-in again.
	patient bool
	// upgrading tells that servers of the last release may answer.
	upgrading bool

	Mints, SignIns, Repeated atomic.Int64
	// Slowest is the time of the slowest sign-in in milliseconds, from the first attempt on.
	Slowest atomic.Int64
	// FailedTwice counts requests that were answered with 5xx twice in a row.
	FailedTwice atomic.Int64
	// Ended counts sign-outs that the operator caused.
	Ended atomic.Int64

	ends, ended atomic.Int64 // of all sessions, announced and done
}

// Worker is one of the people.
type Worker struct {
	*httpbrowser.Browser
	name          string
	subject       string       // of the first token
	begun, rounds atomic.Int64 // of signing out and in
	since         int64        // the number of ends before the session began
	failures
}

// failures is the faults that no person may see.
type failures struct {
	signedOut, failed, mixed, revived atomic.Int64
	last                              atomic.Value
}

// StartCrowd has this number of people work, as fast as scripts, until the test ends or
// Stop is called.
func (d *Deployment) StartCrowd(t *testing.T, people int, patient bool) *Crowd {
	t.Helper()
	return d.StartCrowdAt(t, people, patient, 40*time.Millisecond)
}

// StartCrowdAt is StartCrowd with this pause between two mints of a person; some people
// take up to twice as long.
func (d *Deployment) StartCrowdAt(t *testing.T, people int, patient bool, pause time.Duration) *Crowd {
	t.Helper()
	c := &Crowd{Deployment: d, pause: pause, stop: make(chan struct{}), patient: patient, upgrading: d.LastRelease != ""}
	for i := range people {
		b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
		if i%2 == 0 { // the others have browsers that keep no key
			b = b.On(httpbrowser.NewDevice(t))
		}
		w := &Worker{Browser: b, name: Person(i)}
		c.People = append(c.People, w)
		c.done.Go(func() { c.work(w) })
	}
	t.Cleanup(func() { c.Stop() })
	return c
}

// Stop stops the people's work. It may be called more than once.
func (c *Crowd) Stop() {
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
	c.done.Wait()
}

const mintsBetween = 4 // signing out and in again

func (c *Crowd) work(w *Worker) {
	c.signIn(w)
	for i := 1; ; i++ {
		select {
		case <-c.stop:
			return
		case <-time.After(c.pause + c.pause*time.Duration(len(w.name)%5)/4):
		}
		c.mint(w, []string{"acme", "globex"}[i%2])
		if i%mintsBetween == 0 {
			w.begun.Add(1)
			if answer := c.ask(w, "/logout", `{"scope":"session"}`); answer.Status != http.StatusOK && w.since == c.ends.Load() {
				w.failed.Add(1)
				w.last.Store("logout: " + strconv.Itoa(answer.Status) + " " + answer.Body)
			}
			c.signIn(w)
			w.rounds.Add(1)
		}
	}
}

// mint asks for a token, and signs in anew where the person was signed out.
func (c *Crowd) mint(w *Worker, organization string) {
	over := w.since < c.ended.Load()
	answer := c.ask(w, "/token", `{"organization":"`+organization+`","enter":true}`)
	switch {
	case answer.Status == http.StatusOK && over:
		w.revived.Add(1)
		w.last.Store("a session that was ended goes on: " + answer.Body)
	case answer.Status == http.StatusOK:
		c.Mints.Add(1)
		w.check(answer, organization)
		return
	case w.since < c.ends.Load():
		c.Ended.Add(1)
	default:
		w.signedOut.Add(1)
		w.last.Store(strconv.Itoa(answer.Status) + " " + answer.Body)
	}
	c.signIn(w)
}

// EndSessions announces that the operator ends all sessions: people who are signed out
// until then are so with cause.
func (c *Crowd) EndSessions() { c.ends.Add(1) }

// SessionsEnded says that the announced sessions have ended, and must not go on.
func (c *Crowd) SessionsEnded() { c.ended.Store(c.ends.Load()) }

// check verifies that a token is of the requested organization and of the same person
// as all earlier ones.
func (w *Worker) check(answer httpbrowser.Response, organization string) {
	var minted api.TokenResponse
	var claims struct {
		Subject      string `json:"sub"`
		Organization string `json:"org_slug"`
	}
	err := json.Unmarshal([]byte(answer.Body), &minted)
	if parts := strings.Split(minted.AccessToken, "."); err == nil && len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		err = json.Unmarshal(payload, &claims)
	}
	if w.subject == "" {
		w.subject = claims.Subject
	}
	if err != nil || claims.Organization != organization || claims.Subject == "" || claims.Subject != w.subject {
		w.mixed.Add(1)
		w.last.Store("a token of another organization or person: " + answer.Body)
	}
}

// setClock takes over the time of the server that refused a proof because of its time.
func (w *Worker) setClock(answer httpbrowser.Response) {
	var refused api.Error
	if err := json.Unmarshal([]byte(answer.Body), &refused); err == nil {
		off := time.Until(time.Unix(refused.ServerTime, 0))
		w.Now = func() time.Time { return time.Now().Add(off) }
	}
}

// ask sends a request as the browser module does: it repeats one that cannot be
// answered now.
func (c *Crowd) ask(w *Worker, path, body string) (answer httpbrowser.Response) {
	for i := range c.tries() {
		answer = w.Post(path, body)
		switch api.Code(answer.Code()) {
		case api.RequestTooOld, api.UseDPoPNonce, api.InvalidDPoPProof:
			w.setClock(answer)
			continue
		}
		if answer.Status < http.StatusInternalServerError {
			return answer
		}
		c.Repeated.Add(1)
		if i == 1 {
			c.FailedTwice.Add(1)
		}
		<-time.After(20 * time.Millisecond)
	}
	return answer
}

// tries returns how often a request is sent: patient people wait for a database that is
// unavailable for a minute.
func (c *Crowd) tries() int {
	if c.patient {
		return 3000
	}
	return 50
}

func (c *Crowd) signIn(w *Worker) {
	begun := time.Now()
	for i := range c.tries() {
		c.SignIns.Add(1)
		w.since = c.ended.Load()
		answer := c.goIn(w, i)
		for name := range w.Cookies() {
			if strings.HasPrefix(name, "__Host-Http-tabard.") && strings.Contains(name, ".demo.") && c.landed(answer) {
				c.noteSlowest(time.Since(begun).Milliseconds())
				return
			}
		}
		w.last.Store("sign-in: " + strconv.Itoa(answer.Status) + " " + answer.Body)
		if !c.patient {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	w.failed.Add(1)
}

func (c *Crowd) noteSlowest(took int64) {
	for {
		before := c.Slowest.Load()
		if took <= before || c.Slowest.CompareAndSwap(before, took) {
			return
		}
	}
}

// landed reports whether a sign-in ended in the app. In a rolling upgrade a cookie alone
// does not show it: each release clears only the cookies that it knows, and a sign-in that
// this release began and the last one ends leads to a page that begins it again.
func (c *Crowd) landed(answer httpbrowser.Response) bool {
	return !c.upgrading || answer.Status == http.StatusOK && answer.URL.Path == "/"
}

// goIn signs a person in. In a rolling upgrade every other attempt begins by a link, as
// pages of the last release do.
func (c *Crowd) goIn(w *Worker, attempt int) httpbrowser.Response {
	if c.upgrading && attempt%2 == 1 {
		return w.Choose(w.Login(""), w.name)
	}
	return w.SignIn(w.name)
}

// AwaitNewSignIns waits until each person has signed out and in again since the
// call.
func (c *Crowd) AwaitNewSignIns(t *testing.T) {
	t.Helper()
	deadline := time.After(4 * time.Minute)
	whole := make([]int64, len(c.People))
	for i, w := range c.People {
		whole[i] = w.begun.Load() + 1
	}
	for i, w := range c.People {
		for w.rounds.Load() < whole[i] {
			select {
			case <-deadline:
				t.Fatalf("%s does not get on: %v", w.name, w.last.Load())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// Result is the outcome of a crowd's work.
type Result struct {
	People       int   `json:"people"`
	Mints        int64 `json:"mints"`
	SignIns      int64 `json:"sign_ins"`
	Slowest      int64 `json:"slowest_sign_in_ms"`
	Repeated     int64 `json:"requests_repeated"`
	Stubborn     int64 `json:"5xx_after_a_retry"`
	SignOuts     int64 `json:"false_sign_outs"`
	FailedSignIn int64 `json:"failed_sign_ins"`
	Mixed        int64 `json:"wrong_organization_or_person"`
	// Ended are sign-outs that an operator caused, and Revived sessions that went on
	// after that.
	Ended   int64 `json:"sign_outs_by_the_operator,omitempty"`
	Revived int64 `json:"revived_sessions,omitempty"`
	// Last is the last answer to a person in trouble.
	Last string `json:"last,omitempty"`
}

// Result returns the outcome of the crowd's work so far.
func (c *Crowd) Result() Result {
	r := Result{People: len(c.People), Mints: c.Mints.Load(), SignIns: c.SignIns.Load(), Slowest: c.Slowest.Load(), Repeated: c.Repeated.Load(), Stubborn: c.FailedTwice.Load(), Ended: c.Ended.Load()}
	for _, w := range c.People {
		out, failed, mixed, revived := w.signedOut.Load(), w.failed.Load(), w.mixed.Load(), w.revived.Load()
		r.SignOuts, r.FailedSignIn, r.Mixed = r.SignOuts+out, r.FailedSignIn+failed, r.Mixed+mixed
		if r.Revived += revived; out+failed+mixed+revived > 0 {
			r.Last = fmt.Sprintf("%s: %v", w.name, w.last.Load())
		}
	}
	return r
}

// CheckFailures fails the test if a person was signed out, could not sign in, or got a
// token of another person.
func (c *Crowd) CheckFailures(t *testing.T) {
	t.Helper()
	r := c.Result()
	t.Logf("%+v", r)
	if r.SignOuts+r.FailedSignIn+r.Mixed+r.Revived > 0 {
		t.Error(r.Last)
	}
	if r.Mints < int64(r.People) {
		t.Error("hardly anybody worked")
	}
}
