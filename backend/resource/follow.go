package resource

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/strictjson"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

const (
	// CutOffAfter is how long a Follower hears nothing before it counts as cut off.
	CutOffAfter = 30 * time.Second
	// pollTimeout is longer than a poll waits at the backend.
	pollTimeout = 20 * time.Second
	// pollPause is the least time between two polls that find nothing.
	pollPause = 250 * time.Millisecond
	// firstRetry is the pause after a poll that failed, twice as long each time up to
	// lastRetry.
	firstRetry, lastRetry = 50 * time.Millisecond, 2 * time.Second
	// eventsAtOnce is the most events of an answer, and maxAnswer its most bytes.
	eventsAtOnce, maxAnswer = 500, 8 << 20
)

// FollowConfig configures Follow. Verifier and Key are required.
type FollowConfig struct {
	// Verifier is the guard's. It verifies events too, and refuses the tokens of keys that
	// the feed withdraws.
	Verifier *token.Verifier
	// Key is an API key of the kind events ("tabard keys create --kind events").
	Key string
	// Addresses are base URLs of the backend, if they differ from its issuer's: such as its
	// replicas' own. If one does not answer, the next is asked.
	Addresses []string
	// RefuseCutOff refuses requests while the feed was not heard for CutOffAfter. Without
	// it, tokens are then accepted until they expire, as they are by a guard without a feed.
	RefuseCutOff bool
	// OnState is called when following begins and when it fails, with the error. Nil
	// ignores it.
	OnState func(following bool, err error)
	// OnEvent is called for each event, in the order of their numbers, after tokens are
	// refused by it. Nil ignores them.
	OnEvent func(secevent.Event)
	// Client sends the requests. Nil means one that follows no redirects.
	Client *http.Client
}

// Follower follows the workspace's feed of endings. Its methods Ended and Ready are for
// Config.
type Follower struct {
	config  FollowConfig
	endings *endings

	mu    sync.Mutex
	began time.Time
	heard time.Time // of the last answer, after the first reading
	told  *bool     // what OnState was called with last
	also  []func(secevent.Event)
}

// Follow follows the feed until ctx ends. It first reads the last eleven minutes; until
// that is done, [Follower.Ready] returns an error.
func Follow(ctx context.Context, c FollowConfig) (*Follower, error) {
	if c.Verifier == nil || c.Key == "" {
		return nil, errors.New("resource: a follower needs a verifier and a key of the kind events")
	}
	if len(c.Addresses) == 0 {
		c.Addresses = []string{c.Verifier.Issuer()}
	}
	if c.Client == nil {
		c.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.OnState == nil {
		c.OnState = func(bool, error) {}
	}
	if c.OnEvent == nil {
		c.OnEvent = func(secevent.Event) {}
	}
	f := &Follower{config: c, endings: newEndings(maxEndings), began: time.Now()}
	go f.run(ctx)
	return f, nil
}

// Ended reports whether an event refuses a token.
func (f *Follower) Ended(_ context.Context, c *token.Claims) bool { return f.endings.ended(c) }

// Subscribe has a function called for each event from now on, as [FollowConfig.OnEvent] is.
// It must not block.
func (f *Follower) Subscribe(heard func(secevent.Event)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.also = append(f.also, heard)
}

// Ready returns an error while the follower cannot tell which tokens are refused: until it
// has read the feed, or CutOffAfter has passed, and with RefuseCutOff whenever it is cut
// off.
func (f *Follower) Ready() error {
	silent := f.Silent()
	f.mu.Lock()
	defer f.mu.Unlock()
	cutOff := silent > CutOffAfter
	if cutOff && f.config.RefuseCutOff || !cutOff && f.heard.IsZero() {
		return fmt.Errorf("resource: the feed of endings was not heard for %v", silent.Round(time.Second))
	}
	return nil
}

// Silent returns how long the feed has not been heard. It is less than a poll's ten
// seconds while all is well, and a metric to watch.
func (f *Follower) Silent() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.heard.IsZero() {
		return time.Since(f.began)
	}
	return time.Since(f.heard)
}

func (f *Follower) run(ctx context.Context) {
	var after *int64
	read, address, retry := false, 0, firstRetry
	for ctx.Err() == nil {
		asked := time.Now()
		answer, err := f.poll(ctx, f.config.Addresses[address], after, read)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			f.tell(false, err)
			address = (address + 1) % len(f.config.Addresses)
			pause(ctx, retry/2+rand.N(retry))
			retry = min(2*retry, lastRetry)
			continue
		}
		retry = firstRetry
		found := after == nil || *after != answer.After
		after = &answer.After
		if read = read || !answer.MoreAvailable && !answer.Reset; read {
			f.succeeded()
		}
		if !found && !answer.MoreAvailable {
			pause(ctx, pollPause-time.Since(asked))
		}
	}
}

func (f *Follower) succeeded() {
	f.mu.Lock()
	f.heard = time.Now()
	f.mu.Unlock()
	f.tell(true, nil)
}

// tell calls OnState if the state is another one.
func (f *Follower) tell(following bool, err error) {
	f.mu.Lock()
	again := f.told != nil && *f.told == following
	f.told = &following
	f.mu.Unlock()
	if !again {
		f.config.OnState(following, err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	over := time.NewTimer(max(0, d))
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

// pollAnswer is the answer to a poll.
type pollAnswer struct {
	Sets          map[string]string `json:"sets"`
	MoreAvailable bool              `json:"moreAvailable"`
	After         int64             `json:"after"`
	Reset         bool              `json:"reset"`
}

// follows reports whether an answer goes on after a number: forward if there is more, and
// back only by a reset.
func (a *pollAnswer) follows(after int64) bool {
	if a.After == after {
		return !a.MoreAvailable && !a.Reset
	}
	return a.After > after || a.Reset
}

// poll asks for the events after a number, waits for them if it may, and remembers them.
func (f *Follower) poll(ctx context.Context, address string, after *int64, wait bool) (*pollAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	answer, err := f.ask(ctx, address, after, wait)
	if err != nil {
		return nil, err
	}
	if after != nil && !answer.follows(*after) {
		return nil, fmt.Errorf("resource: %s/events/poll goes from %d to %d", address, *after, answer.After)
	}
	events := make([]secevent.Event, 0, len(answer.Sets))
	for _, raw := range answer.Sets {
		e, _, err := secevent.Parse(raw, f.config.Verifier.Issuer(), func(kid string) (string, crypto.PublicKey, error) {
			key, err := f.config.Verifier.NamedKey(ctx, kid)
			return key.Algorithm, key.Key, err
		})
		if err != nil {
			return nil, err
		}
		if after != nil && !answer.Reset && e.Number <= *after || e.Number > answer.After {
			return nil, fmt.Errorf("resource: event %d is outside of the answer", e.Number)
		}
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b secevent.Event) int { return cmp.Compare(a.Number, b.Number) })
	for _, e := range events {
		f.hear(e)
	}
	return answer, nil
}

// hear remembers an event.
func (f *Follower) hear(e secevent.Event) {
	if e.Key != "" {
		f.config.Verifier.Withdraw(e.Key)
	} else {
		f.endings.add(e, time.Now())
	}
	f.config.OnEvent(e)
	f.mu.Lock()
	also := f.also
	f.mu.Unlock()
	for _, heard := range also {
		heard(e)
	}
}

func (f *Follower) ask(ctx context.Context, address string, after *int64, wait bool) (*pollAnswer, error) {
	body, err := json.Marshal(map[string]any{"after": after, "maxEvents": eventsAtOnce, "returnImmediately": !wait})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+"/events/poll", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+f.config.Key)
	response, err := f.config.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("resource: %s/events/poll answers %s: %.200s", address, response.Status, text)
	}
	answer := pollAnswer{After: -1}
	if err := strictjson.DecodeKnown(text, &answer); err != nil {
		return nil, fmt.Errorf("resource: %s/events/poll: %w", address, err)
	}
	if answer.Sets == nil || answer.After < 0 {
		return nil, fmt.Errorf("resource: %s/events/poll answers no events", address)
	}
	return &answer, nil
}
