package events_test

import (
	"crypto"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/events"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

const publicURL = "https://app.example.com/auth"

// backend is a backend whose feed is polled.
type backend struct {
	testing.TB
	store   *sqlstore.Store
	service *admin.Service
	ring    *signingkey.KeyRing
	reader  *events.Reader
	handler http.Handler
	user    directory.User
	id, key string // of the kind events
}

func newBackend(t testing.TB) *backend {
	t.Helper()
	w := &backend{TB: t}
	var err error
	if w.store, err = sqlite.Open(t.Context(), lite.NewFile(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	secret, _ := signingkey.NewSecret()
	w.ring = signingkey.NewKeyRing(w.store, secret, signingkey.ES256)
	w.service = admin.New(admin.Config{Store: w.store, Secret: secret, Now: time.Now})
	w.reader = events.NewReader(w.store)
	w.handler, err = host.New(host.Config{
		PublicURL: publicURL, Secret: secret, Keys: w.ring, Endings: w.reader,
		Provider: login.Config{Issuer: "https://id.example.com", ClientID: "id", ClientSecret: "secret"},
	}, w.store)
	w.must(err)
	w.user, err = w.store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "https://id.example.com", Subject: "ada"}, time.Now().Unix())
	w.must(err)
	w.id, w.key = w.newKey(admin.NewKey{Kind: admin.Events, Name: "notes API"})
	return w
}

func (w *backend) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *backend) newKey(n admin.NewKey) (id, secret string) {
	w.Helper()
	k, err := w.service.CreateKey(w.Context(), admin.Actor{ID: audit.CommandLine}, n)
	w.must(err)
	return k.ID, k.Secret
}

// session creates a session.
func (w *backend) session() session.ID {
	w.Helper()
	now := time.Now().Unix()
	id := session.NewID()
	_, row := session.First(id, session.NewTokenID(), now)
	w.must(w.store.Create(w.Context(), session.Session{
		ID: id, App: "app", UserID: w.user.ID, Secret: session.NewSecret(), Row: row, CreatedAt: now, ExpiresAt: now + 3600,
		SignIn: policy.Authentication{Time: now}, Attempt: directory.NewID(""),
	}))
	return id
}

// ended creates a session and ends it.
func (w *backend) ended() session.ID {
	w.Helper()
	id := w.session()
	w.must(w.store.Revoke(w.Context(), id, session.ReasonSignedOut, time.Now().Unix()))
	return id
}

type answer struct {
	status int
	code   api.Code
	events.Answer
}

func (w *backend) send(key, body string, header ...string) answer {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), "POST", publicURL+"/events/poll", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	var got struct {
		events.Answer
		Error api.Code `json:"error"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		w.Fatalf("%d %s: %v", recorder.Code, recorder.Body, err)
	}
	return answer{recorder.Code, got.Error, got.Answer}
}

// poll polls at once and returns the answer.
func (w *backend) poll(more string) answer {
	w.Helper()
	got := w.send(w.key, `{"returnImmediately":true`+more+`}`)
	if got.status != http.StatusOK {
		w.Fatalf("%d %s", got.status, got.code)
	}
	return got
}

// events reads the tokens of an answer.
func (w *backend) events(a answer) (all []secevent.Event) {
	w.Helper()
	published, err := w.ring.Published(w.Context(), "", time.Now().Unix())
	w.must(err)
	for id, raw := range a.Sets {
		e, audience, err := secevent.Parse(raw, publicURL, func(kid string) (string, crypto.PublicKey, error) {
			for _, k := range published {
				if k.ID == kid {
					return string(k.Algorithm), k.Private.Public(), nil
				}
			}
			return "", nil, fmt.Errorf("it is not published")
		})
		w.must(err)
		if audience != w.id || e.JWTID() != id {
			w.Errorf("aud %q, jti %q", audience, id)
		}
		all = append(all, e)
	}
	return all
}

func TestPoll_EachFollowerHasACursor(t *testing.T) {
	w := newBackend(t)
	first := w.ended()
	got := w.poll("")
	if all := w.events(got); len(all) != 1 || all[0].Subject != (secevent.Subject{Session: first.String(), User: w.user.ID}) || all[0].Reason != "signed_out" {
		t.Fatalf("%+v", all)
	}
	if again := w.poll(fmt.Sprintf(`,"after":%d`, got.After)); len(again.Sets) != 0 || again.After != got.After || again.Reset {
		t.Errorf("after the last: %+v", again)
	}
	for id := range got.Sets {
		w.poll(fmt.Sprintf(`,"after":%d,"ack":[%q],"setErrs":{"x":{"err":"invalid_key","description":"?"}}`, got.After, id))
	}
	second := w.ended()
	if all := w.events(w.poll(fmt.Sprintf(`,"after":%d`, got.After))); len(all) != 1 || all[0].Session != second.String() {
		t.Errorf("after the first: %+v", all)
	}
	if all := w.events(w.poll("")); len(all) != 2 { // another follower, after the first acknowledged
		t.Errorf("from the beginning: %+v", all)
	}
}

func TestPoll_Pages(t *testing.T) {
	w := newBackend(t)
	for range 5 {
		w.ended()
	}
	var sizes []int
	for after, more := "", true; more; {
		got := w.poll(`,"maxEvents":2` + after)
		sizes, after, more = append(sizes, len(got.Sets)), fmt.Sprintf(`,"after":%d`, got.After), got.MoreAvailable
	}
	if fmt.Sprint(sizes) != "[2 2 1]" {
		t.Errorf("the pages have %v", sizes)
	}
	if got := w.send(w.key, `{"maxEvents":0}`); got.status != http.StatusOK || len(got.Sets) != 0 {
		t.Errorf("without events: %+v", got)
	}
	for _, body := range []string{`{"maxEvents":-1}`, `{"after":-1}`, `{"after":"1"}`, `{"after":1,"after":2}`, `[]`} {
		if got := w.send(w.key, body); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", body, got.status)
		}
	}
}

// TestPoll_Reset: a cursor that is none of the feed is told to be, and leads on.
func TestPoll_Reset(t *testing.T) {
	w := newBackend(t)
	w.ended()
	old := w.poll("").After
	w.ended()
	w.must(w.store.ForgetEndings(t.Context(), time.Now().Unix()+60))
	w.ended()
	for name, after := range map[string]int64{"older than the feed": old, "newer than the feed": old + 100} {
		got := w.poll(fmt.Sprintf(`,"after":%d`, after))
		if !got.Reset || len(got.Sets) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		if next := w.poll(fmt.Sprintf(`,"after":%d`, got.After)); next.Reset || len(w.events(next)) != 1 {
			t.Errorf("%s, after that: %+v", name, next)
		}
	}
	w.must(w.store.RestartFeed(t.Context(), time.Now().Unix()))
	got := w.poll(fmt.Sprintf(`,"after":%d`, old+2))
	if !got.Reset {
		t.Errorf("restored: %+v", got)
	}
	if all := w.events(w.poll(fmt.Sprintf(`,"after":%d`, got.After))); len(all) != 1 || all[0].Subject != (secevent.Subject{}) || all[0].Reason != "restored" {
		t.Errorf("restored: %+v", all)
	}
}

func TestPoll_Keys(t *testing.T) {
	w := newBackend(t)
	_, whole := w.newKey(admin.NewKey{Name: "administration"})
	_, servers := w.newKey(admin.NewKey{Kind: admin.WorkspaceAPI, Name: "servers"})
	for name, key := range map[string]string{"administration": whole, "workspace": servers, "none": "", "garbage": "tbk_"} {
		if got := w.send(key, `{}`); got.status != http.StatusUnauthorized || got.code != api.EventsKeyRequired {
			t.Errorf("%s: %d %s", name, got.status, got.code)
		}
	}
	if got := w.send(w.key, `{}`, "Origin", "https://app.example.com"); got.code != api.OriginNotAllowed {
		t.Errorf("from a browser: %d %s", got.status, got.code)
	}
	for _, n := range []admin.NewKey{{Kind: admin.Events, Name: "n", Organization: "org_acme"}, {Kind: admin.Events, Name: "n", App: "app"}} {
		if _, _, err := w.service.DraftKey(admin.Actor{}, n, n.Organization); err == nil {
			t.Errorf("%+v is made", n)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", publicURL+"/admin/v1/users", nil)
	r.Header.Set("Authorization", "Bearer "+w.key)
	recorder := httptest.NewRecorder()
	if w.handler.ServeHTTP(recorder, r); recorder.Code != http.StatusUnauthorized {
		t.Errorf("at administration: %d", recorder.Code)
	}
}

// TestPoll_WaitsForTheNextEvent, and no longer once the server stops.
func TestPoll_WaitsForTheNextEvent(t *testing.T) {
	w := newBackend(t)
	w.ended()
	after := w.poll("").After
	answers := make(chan answer)
	ask := func() { answers <- w.send(w.key, fmt.Sprintf(`{"after":%d}`, after)) }
	go ask()
	go ask()
	select {
	case got := <-answers:
		t.Fatalf("answered without an event: %+v", got)
	case <-time.After(600 * time.Millisecond): // some looks at the feed
	}
	began, id := time.Now(), w.ended()
	for range 2 {
		got := <-answers
		if all := w.events(got); len(all) != 1 || all[0].Session != id.String() {
			t.Errorf("%+v", all)
		}
	}
	t.Logf("heard after %v", time.Since(began))
	after++
	go ask()
	go func() {
		for range 3 {
			w.reader.Stop()
		}
	}()
	if got := <-answers; got.status != http.StatusOK || len(got.Sets) != 0 || got.After != after {
		t.Errorf("stopped: %+v", got)
	}
}
