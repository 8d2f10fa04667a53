//go:build long

package replicas_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// apiFollower is an API's follower.
type apiFollower interface {
	name() string
	ready() bool
	ended(*member) bool
}

// goFollower is a follower in Go, which can be killed.
type goFollower struct {
	called   string
	verifier *token.Verifier
	current  atomic.Pointer[resource.Follower]
	stop     context.CancelFunc
}

func (f *goFollower) name() string { return f.called }
func (f *goFollower) ready() bool {
	current := f.current.Load()
	return current != nil && current.Ready() == nil
}
func (f *goFollower) ended(m *member) bool {
	current := f.current.Load()
	if current == nil {
		return false
	}
	if m.raw != "" { // the verifier refuses it
		_, err := f.verifier.Verify(context.Background(), m.raw)
		return token.ReasonOf(err) == token.UnknownKey
	}
	return current.Ended(context.Background(), m.claims)
}

func (w *trial) follower(name string) *goFollower {
	f := &goFollower{called: name}
	w.startFollower(f)
	return f
}

func (w *trial) startFollower(f *goFollower) {
	ctx, stop := context.WithCancel(w.Context())
	f.verifier = w.verifierFor("/api")
	follower, err := resource.Follow(ctx, resource.FollowConfig{Verifier: f.verifier, Key: eventsKey(w.test, w.Deployment), Addresses: addresses(w.Deployment)})
	w.must(err)
	for follower.Ready() != nil {
		<-time.After(5 * time.Millisecond)
	}
	f.stop = stop
	f.current.Store(follower)
}

func (w *trial) startSecond() { w.startFollower(w.second) }
func (w *trial) stopSecond() {
	w.second.current.Store(nil)
	w.second.stop()
}

// scriptAPI is the follower in TypeScript, a process that can be killed and stopped.
type scriptAPI struct {
	of *trial

	mu      sync.Mutex
	process *scriptFollower
	away    bool
	tokens  []watched // that the process looks at, in its order
	heard   map[*token.Claims]bool
}

type watched struct {
	claims *token.Claims
	raw    string
}

func (s *scriptAPI) name() string { return "the follower in TypeScript" }

func (s *scriptAPI) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.away
}

func (s *scriptAPI) ended(m *member) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard[m.claims]
}

// watch has the follower look at the token of a session.
func (s *scriptAPI) watch(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, watched{m.claims, m.raw})
	s.process.watch(s.of.test, m.claims, m.raw)
}

func (s *scriptAPI) stop() {
	s.signal(syscall.SIGKILL)
}

func (s *scriptAPI) signal(signal syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = signal != syscall.SIGCONT
	s.of.must(s.process.process.Signal(signal))
}

// startScript starts the follower, which looks at all tokens of before.
func (w *trial) startScript() {
	process := followOn(w.test, w.Deployment, "Node.js")
	s := w.script
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := s.tokens
	s.process, s.tokens, s.away = process, nil, false
	if s.heard == nil {
		s.heard = map[*token.Claims]bool{}
	}
	for _, t := range tokens {
		if !s.heard[t.claims] {
			s.tokens = append(s.tokens, t)
			process.watch(w.test, t.claims, t.raw)
		}
	}
	go s.listen(process)
}

func (s *scriptAPI) listen(process *scriptFollower) {
	for line := range process.lines {
		number, err := strconv.Atoi(line)
		s.mu.Lock()
		if err == nil && s.process == process && number < len(s.tokens) {
			s.heard[s.tokens[number].claims] = true
		}
		s.mu.Unlock()
	}
}
