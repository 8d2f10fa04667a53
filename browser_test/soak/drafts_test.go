//go:build long

package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

var draftsFor = flag.Duration("drafts", time.Minute, "wall time of the attempts to get a draft into another organization")

// controlPatience is how long a control may take until a draft went astray.
const controlPatience = 6 * time.Minute

// TestSoak_Drafts: whatever a person presses, no text that was typed for an organization is
// sent with a token of another organization or of another person.
func TestSoak_Drafts(t *testing.T) {
	w := newWriters(t, "")
	w.work(time.Now().Add(*draftsFor), func() bool { return w.posts.astray() != "" })
	if astray := w.posts.astray(); astray != "" {
		t.Errorf("seed %d: sent elsewhere: %s", *seed, astray)
	}
	w.report()
}

// TestSoak_DraftsControls: an app that leaves one of the guide's rules out does send a draft
// elsewhere, and the actors find it.
func TestSoak_DraftsControls(t *testing.T) {
	for _, control := range []string{"partition", "fetch"} {
		t.Run(control, func(t *testing.T) {
			w := newWriters(t, control)
			w.work(time.Now().Add(controlPatience), func() bool { return w.posts.astray() != "" })
			if w.posts.astray() == "" {
				t.Errorf("seed %d: no draft went astray in %v, so that these actors show nothing", *seed, controlPatience)
			}
			t.Logf("seed %d: after %v: %s", *seed, time.Since(w.began).Round(time.Second), w.posts.astray())
		})
	}
}

// posts are the posts of texts that reached the API.
type posts struct {
	mu       sync.Mutex
	count    map[string]int // by organization
	problems []string
}

// entry is a text as the actors type it: the organization and the person that the page
// showed, and a number.
var entry = regexp.MustCompile(`(org_\w+)/(usr_\w+)/\d+`)

// look compares what a post says with whose token it carries.
func (p *posts) look(r *http.Request, body string) {
	token := r.Header.Get("Authorization")
	_, token, _ = strings.Cut(token, " ")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	var claims struct {
		Organization string `json:"org_id"`
		Person       string `json:"sub"`
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	json.Unmarshal(text, &claims)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, typed := range entry.FindAllStringSubmatch(body, -1) {
		p.count[typed[1]]++
		if typed[1] != claims.Organization || typed[2] != claims.Person {
			p.problems = append(p.problems, fmt.Sprintf("%s with a token of %s/%s", typed[0], claims.Organization, claims.Person))
		}
	}
}

// astray returns the posts with a token of another organization or person.
func (p *posts) astray() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.problems, "\n")
}

// writers are the tabs of one browser in which people write.
type writers struct {
	*testing.T
	demo  *demo.Demo
	posts *posts
	tabs  []*writer
	began time.Time
}

// newWriters starts an app by the guide, on a network that delays a third of all requests,
// with one organization whose sessions idle out within seconds.
func newWriters(t *testing.T, control string) *writers {
	t.Helper()
	d := demo.StartWith(t, example.Page(t, "../test/drafts.tsx", ""))
	written := d.Workspace(t)
	idle := strings.Replace(written, "    name: Initech Labs\n", "    name: Initech Labs\n    policy:\n      idle_timeout: 6s\n", 1)
	if idle == written {
		t.Fatal("the demo has no Initech Labs")
	}
	d.Apply(t, idle)
	w := &writers{T: t, demo: d, posts: &posts{count: map[string]int{}}, began: time.Now()}
	network := faultproxy.New(t)
	network.Set(w.arrives)
	first := chrome.OpenFor(t, t.TempDir(), *draftsFor+time.Hour, chrome.WithProxy(network.Address))
	for i := range 3 {
		tab := first
		if i > 0 {
			tab = chrome.Tab(t, first)
		}
		chrome.AgreeToLeave(t, tab)
		chrome.Before(t, tab, fmt.Sprintf("globalThis.control = %q;", control)+writing)
		chrome.Go(t, tab, d.Origin+"/acme/notes")
		w.tabs = append(w.tabs, &writer{tab: tab, origin: d.Origin, random: rand.New(rand.NewPCG(*seed, uint64(i+100))), done: map[string]int{}})
	}
	return w
}

// arrives looks at a request, and delays it.
func (w *writers) arrives(_ http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/notes") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return false
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		w.posts.look(r, string(body))
	}
	if rand.IntN(3) == 0 {
		wait(time.Duration(rand.Int64N(int64(400 * time.Millisecond))))
	}
	return false
}

// work lets all tabs act until an end, or until they are done.
func (w *writers) work(end time.Time, done func() bool) {
	w.Helper()
	var all sync.WaitGroup
	for _, tab := range w.tabs {
		all.Go(func() {
			for time.Now().Before(end) && !done() && tab.broken == nil {
				tab.act()
				wait(time.Duration(tab.random.ExpFloat64() * float64(100*time.Millisecond)))
			}
		})
	}
	all.Wait()
	for _, tab := range w.tabs {
		if tab.broken != nil {
			w.Fatalf("seed %d: %v", *seed, tab.broken)
		}
	}
}

// report logs what was done, and fails a run that shows nothing.
func (w *writers) report() {
	w.Helper()
	done := map[string]int{}
	for _, tab := range w.tabs {
		for act, times := range tab.done {
			done[act] += times
		}
	}
	var acts []string
	for _, act := range slices.Sorted(maps.Keys(done)) {
		acts = append(acts, fmt.Sprintf("%d %s", done[act], act))
	}
	w.Logf("seed %d, %v: %s; posted %v", *seed, time.Since(w.began).Round(time.Second), strings.Join(acts, ", "), w.posts.count)
	for _, organization := range []string{"org_acme", "org_globex"} {
		if w.posts.count[organization] == 0 {
			w.Errorf("nothing was posted to %s: the run is not conclusive", organization)
		}
	}
	for _, act := range []string{"stay", "leave", "sign in", "come back"} {
		if done[act] == 0 && *draftsFor >= time.Minute {
			w.Errorf("there was no %s: the run is not conclusive", act)
		}
	}
}
