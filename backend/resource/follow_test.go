package resource_test

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// feed answers polls like a backend.
type feed struct {
	w *guarded

	signer *ecdsa.PrivateKey
	mu     sync.Mutex
	events []secevent.Event
	head   int64
	floor  int64
	away   bool
	stuck  bool   // it says that there is more, and gives nothing
	back   bool   // its number goes up and down
	asked  int64  // how often
	says   string // in place of an answer
}

// RoundTrip implements http.RoundTripper.
func (f *feed) RoundTrip(r *http.Request) (*http.Response, error) {
	var ask struct {
		After             *int64
		ReturnImmediately bool
		MaxEvents         int
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || r.URL.Path != "/auth/events/poll" || r.Header.Get("Authorization") != "Bearer tbk_1" {
		return nil, net.ErrClosed
	}
	var says string
	f.set(func(f *feed) { says = f.says })
	if says != "" {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(says))}, nil
	}
	for end := time.Now().Add(10 * time.Second); ; {
		answer, odd := f.answer(ask.After), false
		f.set(func(f *feed) { odd = f.stuck || f.back })
		if answer == nil {
			return nil, net.ErrClosed
		}
		if len(answer["sets"].(map[string]string)) > 0 || ask.ReturnImmediately || answer["reset"] == true || odd || time.Now().After(end) {
			recorder := httptest.NewRecorder()
			json.NewEncoder(recorder).Encode(answer)
			return recorder.Result(), nil
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func (f *feed) answer(after *int64) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	switch {
	case f.away:
		return nil
	case f.stuck && after != nil:
		return map[string]any{"sets": map[string]string{}, "after": *after, "moreAvailable": true}
	case f.back && after != nil:
		return map[string]any{"sets": map[string]string{}, "after": *after ^ 1}
	}
	sets, from := map[string]string{}, f.floor
	if after != nil {
		if from = *after; from < f.floor || from > f.head {
			return map[string]any{"sets": sets, "after": f.floor, "reset": true}
		}
	}
	for _, e := range f.events {
		if e.Number <= from {
			continue
		}
		if len(sets) == 2 {
			return map[string]any{"sets": sets, "after": from, "moreAvailable": true}
		}
		raw, err := e.Sign(secevent.Signer{Issuer: "https://app.example.com/auth", KeyID: "k1", Alg: "ES256", Private: f.signer}, "key_1")
		if err != nil {
			f.w.Error(err)
		}
		sets[e.JWTID()], from = raw, e.Number
	}
	return map[string]any{"sets": sets, "after": from}
}

// writes adds an event and returns its number.
func (f *feed) writes(s secevent.Subject, key string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head++
	f.events = append(f.events, secevent.Event{Number: f.head, At: time.Now().Unix(), Reason: "signed_out", Subject: s, Key: key})
	return f.head
}

func (f *feed) set(change func(f *feed)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// following runs a test of a follower, on a clock of its own.
func following(t *testing.T, configure func(*resource.FollowConfig), run func(t *testing.T, w *guarded, f *feed, by *resource.Follower)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		var by *resource.Follower
		w := newGuarded(t, func(c *resource.Config) {
			c.Ended = func(ctx context.Context, c *token.Claims) bool { return by.Ended(ctx, c) }
			c.Ready = func() error { return by.Ready() }
		})
		f := &feed{w: w, signer: w.private, head: 1, floor: 1}
		for range 5 {
			f.writes(secevent.Subject{Session: "ses_of_before"}, "")
		}
		c := resource.FollowConfig{Verifier: w.verifier, Key: "tbk_1", Client: &http.Client{Transport: f}}
		if configure != nil {
			configure(&c)
		}
		f.set(func(f *feed) { f.away = c.OnState != nil })
		var err error
		if by, err = resource.Follow(ctx, c); err != nil {
			t.Fatal(err)
		}
		run(t, w, f, by)
	})
}

// reason is why a guard refuses a token of the guarded's session, or "". The claims are
// others than the guarded's.
func (w *guarded) reason(event int64, claims map[string]string) token.Reason {
	w.Helper()
	raw := w.token(func(c *token.Claims) {
		c.Event = event
		for name, value := range claims {
			*map[string]*string{"sid": &c.SessionID, "sub": &c.Subject, "org_id": &c.OrganizationID, "client_id": &c.ClientID}[name] = value
		}
	})
	got := answer(w.mux(token.Demand{}), request("/notes", "Authorization", "Bearer "+raw))
	var body struct {
		Error, Description string
		Reason             token.Reason `json:"error_description"`
	}
	if got.Code == http.StatusOK {
		return ""
	}
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
		w.Fatal(err)
	}
	if unknown := body.Reason == token.EndingsUnknown; unknown != (got.Code == http.StatusServiceUnavailable) {
		w.Errorf("%d %s", got.Code, got.Body)
	}
	return body.Reason
}

func (w *guarded) expect(what string, event int64, want token.Reason) {
	w.Helper()
	if got := w.reason(event, nil); got != want {
		w.Errorf("%s: a token of %d is refused for %q, want %q", what, event, got, want)
	}
}

func TestFollow_RefusesWhatEnded(t *testing.T) {
	following(t, nil, func(t *testing.T, w *guarded, f *feed, by *resource.Follower) {
		synctest.Wait()
		w.expect("read", 6, "")
		number := f.writes(secevent.Subject{User: "usr_1", Organization: "org_acme"}, "")
		time.Sleep(time.Second)
		w.expect("minted before", number-1, token.SessionEnded)
		w.expect("minted after", number, "")
		f.writes(secevent.Subject{Session: "ses_1"}, "")
		time.Sleep(time.Second)
		w.expect("the session ended", number+100, token.SessionEnded)
		time.Sleep(12 * time.Minute)
		w.expect("long after", number, token.SessionEnded)
		f.writes(secevent.Subject{Session: "another"}, "")
		time.Sleep(time.Second)
		w.expect("when no token of before lives", number, "")
		if silent := by.Silent(); silent > 11*time.Second {
			t.Errorf("silent for %v", silent)
		}
	})
}

func TestFollow_KeyWithdrawn(t *testing.T) {
	following(t, nil, func(t *testing.T, w *guarded, f *feed, by *resource.Follower) {
		synctest.Wait()
		f.writes(secevent.Subject{}, "k0")
		time.Sleep(time.Second)
		w.expect("another key", 6, "")
		f.writes(secevent.Subject{}, "k1")
		time.Sleep(time.Second)
		w.expect("its key", 1000, token.UnknownKey)
	})
}

func TestFollow_CutOff(t *testing.T) {
	var states []bool
	for _, refuse := range []bool{false, true} {
		states = nil
		following(t, func(c *resource.FollowConfig) {
			c.RefuseCutOff, c.OnState = refuse, func(following bool, _ error) { states = append(states, following) }
		}, func(t *testing.T, w *guarded, f *feed, by *resource.Follower) {
			wanted := token.Reason("")
			if refuse {
				wanted = token.EndingsUnknown
			}
			time.Sleep(29 * time.Second)
			w.expect("never heard, shortly", 6, token.EndingsUnknown)
			time.Sleep(5 * time.Second)
			w.expect("never heard", 6, wanted)
			f.set(func(f *feed) { f.away = false })
			time.Sleep(5 * time.Second)
			w.expect("heard", 6, "")
			f.set(func(f *feed) { f.away = true })
			time.Sleep(25 * time.Second)
			w.expect("shortly cut off", 6, "")
			number := f.writes(secevent.Subject{User: "usr_1"}, "")
			time.Sleep(20 * time.Second)
			w.expect("cut off", 6, wanted)
			f.set(func(f *feed) { f.away = false })
			time.Sleep(5 * time.Second)
			w.expect("ended meanwhile", number-1, token.SessionEnded)
			w.expect("minted since", number, "")
			synctest.Wait()
			if want := []bool{false, true, false, true}; !slices.Equal(states, want) {
				t.Errorf("told %v, want %v", states, want)
			}
		})
	}
}

// TestFollow_Reset: a follower that was away for longer than the feed keeps, or whose feed
// began anew, reads the last minutes and goes on.
func TestFollow_Reset(t *testing.T) {
	following(t, nil, func(t *testing.T, w *guarded, f *feed, by *resource.Follower) {
		synctest.Wait()
		f.set(func(f *feed) { f.events, f.head, f.floor = nil, 1<<40, 1<<40-1 })
		number := f.writes(secevent.Subject{User: "usr_1"}, "")
		time.Sleep(12 * time.Second)
		w.expect("minted before", 6, token.SessionEnded)
		w.expect("minted after", number, "")
	})
}

// TestFollow_NoFeed: an answer that is not a feed's is no news that all is well.
func TestFollow_NoFeed(t *testing.T) {
	for _, says := range []string{`{}`, `null`, `[]`, `{"after":7}`, `{"sets":null,"after":7}`, `{"SETS":{},"AFTER":7}`, `{"sets":{},"after":-1}`, `{"sets":{},"after":"7"}`} {
		following(t, func(c *resource.FollowConfig) {
			c.RefuseCutOff = true
			c.Client.Transport.(*feed).says = says
		}, func(t *testing.T, w *guarded, f *feed, by *resource.Follower) {
			time.Sleep(time.Minute)
			if by.Ready() == nil || by.Silent() < time.Minute {
				t.Errorf("%s is taken for a feed", says)
			}
			w.expect(says, 6, token.EndingsUnknown)
		})
	}
}

// TestFollow_Forged: an event that the issuer did not sign ends nothing, and hides nothing.
func TestFollow_Forged(t *testing.T) {
	following(t, nil, func(t *testing.T, w *guarded, f *feed, by *resource.Follower) {
		synctest.Wait()
		f.set(func(f *feed) { f.signer = newGuarded(t).private })
		number := f.writes(secevent.Subject{User: "usr_1"}, "")
		time.Sleep(15 * time.Second)
		f.set(func(f *feed) { f.signer = w.private })
		w.expect("forged", number-1, "")
		time.Sleep(5 * time.Second)
		w.expect("the real one", number-1, token.SessionEnded)
	})
}

func TestFollow_NeedsAKey(t *testing.T) {
	if _, err := resource.Follow(t.Context(), resource.FollowConfig{Verifier: newGuarded(t).verifier}); err == nil || !strings.Contains(err.Error(), "kind events") {
		t.Errorf("%v", err)
	}
}
