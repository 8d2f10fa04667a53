// Package events serves the workspace's feed of endings below /events: security event
// tokens (RFC 8417) of the Continuous Access Evaluation Profile, polled in the manner of
// RFC 8936 by servers that follow it (resource.Follow), each with a key of the kind events
// and a cursor of its own.
//
// It differs from RFC 8936 in that the follower keeps its place: after is the cursor, and
// acknowledgments change no state.
package events

import (
	"context"
	_ "embed"
	"net/http"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/serverapi"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/strictjson"
	"github.com/tabard-auth/tabard/backend/token/secevent"
	"github.com/tabard-auth/tabard/backend/web"
)

// Path is the path of the API below the backend's base URL.
const Path = "/events"

// Document describes the API (OpenAPI 3.1).
//
//go:embed openapi.json
var Document []byte

// Routes are the API's routes.
var Routes = []serverapi.Route[*service]{
	serverapi.NewRoute("POST", "/poll", serverapi.Action[*service]{Run: (*service).poll}),
}

const (
	// Keep is how long events stay.
	Keep = 24 * time.Hour
	// Window is how far a follower without a cursor reads back: an access token's longest
	// life, and a minute for clocks.
	Window = 11 * time.Minute
	// defaultEvents and maxEvents are the most events of an answer.
	defaultEvents, maxEvents = 100, 500
)

// Store stores the feed.
type Store interface {
	// Feed returns the feed's state.
	Feed(ctx context.Context) (secevent.Feed, error)
	// Endings returns the events after a number, in their order, at most limit.
	Endings(ctx context.Context, after int64, limit int) ([]secevent.Event, error)
	// EndingBefore returns the number of the last event before a time (Unix seconds), or 0.
	EndingBefore(ctx context.Context, at int64) (int64, error)
}

// Config configures New. All fields but Reader and Log are required.
type Config struct {
	serverapi.Config
	Store Store
	Keys  *signingkey.KeyRing
	// Reader lets polls wait for events. With nil, every poll is answered at once.
	Reader *Reader
}

type service struct {
	issuer string
	store  Store
	keys   *signingkey.KeyRing
	reader *Reader
}

// New returns the handler of the feed, mounted at the public URL's path and Path.
func New(c Config) (http.Handler, error) {
	return serverapi.Handler(c.Config, serverapi.API[*service]{
		Path: Path, Kind: admin.Events, Routes: Routes, Document: Document,
		Target: &service{strings.TrimSuffix(c.PublicURL, "/"), c.Store, c.Keys, c.Reader},
	})
}

// pollRequest is the body of a poll (RFC 8936 section 2.2), with a cursor.
type pollRequest struct {
	MaxEvents         *int `json:"maxEvents"`
	ReturnImmediately bool `json:"returnImmediately"`
	// Ack and SetErrs are accepted and ignored.
	Ack     []string            `json:"ack"`
	SetErrs map[string]setError `json:"setErrs"`
	// After is after of the answer before. Nil begins with the events of the last Window.
	After *int64 `json:"after"`
}

type setError struct {
	Err         string `json:"err"`
	Description string `json:"description"`
}

// Answer is the answer to a poll (RFC 8936 section 2.3), with a cursor.
type Answer struct {
	// Sets are the events' tokens by jti. Their order is that of the claim evt.
	Sets          map[string]string `json:"sets"`
	MoreAvailable bool              `json:"moreAvailable"`
	// After is the cursor of the next poll.
	After int64 `json:"after"`
	// Reset tells that the poll's cursor is none of this feed: it is older than the events
	// that are kept, or newer than the feed. After then begins with the events of the last
	// Window.
	Reset bool `json:"reset,omitempty"`
}

// readPoll reads the body of a poll. It ignores members that it does not know: the RFC
// lets others extend it, and its names have capitals, which web.Read refuses.
func readPoll(c *serverapi.Call) (ask pollRequest, err error) {
	text, err := web.ReadBody(c.W, c.R)
	if err == nil {
		err = web.Malformed(strictjson.DecodeKnown(text, &ask))
	}
	return ask, err
}

func (s *service) poll(c *serverapi.Call) (any, error) {
	ask, err := readPoll(c)
	if err != nil {
		return nil, err
	}
	limit := defaultEvents
	if ask.MaxEvents != nil {
		limit = *ask.MaxEvents
	}
	if limit < 0 || ask.After != nil && *ask.After < 0 {
		return nil, refusal.New(api.InvalidRequest, "maxEvents and after must not be negative.")
	}
	if len(ask.SetErrs) > 0 {
		c.Log.Warn("a follower could not read events of the feed", "key", c.Actor.ID, "events", len(ask.SetErrs))
	}
	feed, err := s.store.Feed(c.Context())
	if err != nil {
		return nil, err
	}
	after, reset, err := s.cursor(c.Context(), ask.After, feed, c.Now())
	if err != nil {
		return nil, err
	}
	answer := &Answer{Sets: map[string]string{}, After: after, Reset: reset}
	if limit == 0 || reset {
		return answer, nil
	}
	if after == feed.Number && !ask.ReturnImmediately && s.reader != nil {
		if feed.Number, err = s.reader.wait(c.Context(), after); err != nil {
			return nil, err
		}
	}
	if after == feed.Number {
		return answer, nil
	}
	return answer, s.fill(c, answer, min(limit, maxEvents), feed.Revision)
}

// cursor returns where a poll begins.
func (s *service) cursor(ctx context.Context, after *int64, f secevent.Feed, now time.Time) (from int64, reset bool, err error) {
	if after != nil && *after >= f.Forgotten && *after <= f.Number {
		return *after, false, nil
	}
	from, err = s.store.EndingBefore(ctx, now.Add(-Window).Unix())
	return max(from, f.Forgotten), after != nil, err
}

// fill signs the events after the answer's cursor, for the key of the call.
func (s *service) fill(c *serverapi.Call, answer *Answer, limit int, revision int64) error {
	events, err := s.store.Endings(c.Context(), answer.After, limit+1)
	if err != nil || len(events) == 0 {
		return err
	}
	if answer.MoreAvailable = len(events) > limit; answer.MoreAvailable {
		events = events[:limit]
	}
	key, err := s.keys.Signing(c.Context(), "", revision, c.Now().Unix())
	if err != nil {
		return err
	}
	by := secevent.Signer{Issuer: s.issuer, KeyID: key.ID, Alg: string(key.Algorithm), Private: key.Private}
	for i := range events {
		signed, err := events[i].Sign(by, c.Actor.ID)
		if err != nil {
			return err
		}
		answer.Sets[events[i].JWTID()], answer.After = signed, events[i].Number
	}
	return nil
}
