package tab_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// backend implements the contract for all tabs of one browser, whose cookie is session.
// Failures and refusals are scripted.
type backend struct {
	mu           sync.Mutex
	person       string // signed in; empty for nobody
	members      map[string][]api.Organization
	session      string
	before       bool // the release before: a refusal does not say what there is to choose from
	latency      time.Duration
	offline      bool
	life         int64                   // seconds of a token
	fresh        bool                    // organizations require a fresh token at every switch
	idleSessions map[string]*idleSession // the organizations with an idle limit
	bound        bool                    // the session is bound to the device key
	// left are organizations that the person signed out of; refusals are sent in place
	// of a token, by organization.
	left     map[string]bool
	origins  *api.Origins // of the app
	here     *household   // the people of the browser, where several can be signed in
	refusals map[string]api.Error
	// script responds in place of the backend, if it returns a response.
	script func(tab.Request) *tab.Response
	rate   *requestRate
	log    []string // requests as "POST /token org_a enter"
	seen   []tab.Request
	minted int
	signed int
}

// Ada is in Acme and Globex, Bob in Globex, Cleo in Initech alone.
var (
	acme    = api.Organization{ID: "org_a", Slug: "acme", Name: "Acme"}
	globex  = api.Organization{ID: "org_g", Slug: "globex", Name: "Globex"}
	initech = api.Organization{ID: "org_i", Slug: "initech", Name: "Initech"}
)

func newBackend() *backend {
	return &backend{
		members: map[string][]api.Organization{
			"ada": {acme, globex}, "bob": {globex}, "cleo": {initech}, "dan": {acme, globex, initech},
		},
		life: 300, left: map[string]bool{}, idleSessions: map[string]*idleSession{}, refusals: map[string]api.Error{},
	}
}

// signIn begins a new session.
func (b *backend) signIn(person string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signed++
	b.person, b.session = person, fmt.Sprintf("ses_%d", b.signed)
	clear(b.left)
}

func (b *backend) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// requests returns the requests since its last call.
func (b *backend) requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	log := b.log
	b.log = nil
	return log
}

// Do implements [tab.Backend].
func (b *backend) Do(r tab.Request, stop <-chan struct{}) (tab.Response, error) {
	response, latency, err := b.answer(r)
	select {
	case <-time.After(latency):
		return response, err
	case <-stop:
		return tab.Response{}, errors.New("stopped")
	}
}

func (b *backend) answer(r tab.Request) (tab.Response, time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.record(r)
	latency := b.latency
	if b.offline {
		return tab.Response{}, latency, errors.New("offline")
	}
	if b.script != nil {
		if response := b.script(r); response != nil {
			return *response, latency, nil
		}
	}
	switch r.Method + " " + pathOf(r) {
	case "POST /token":
		return b.token(r), latency, nil
	case "GET /session":
		return b.sessions(), latency, nil
	case "POST /logout":
		return b.logout(r), latency, nil
	}
	return refuse(404, api.Error{Code: api.NotFound}), latency, nil
}

// pathOf returns the path of a request below the backend's base URL.
func pathOf(r tab.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(r.URL, base), "?"+api.QuietRefusals)
}

func (b *backend) record(r tab.Request) {
	var body struct {
		Organization, Scope string
		Enter               bool
	}
	json.Unmarshal([]byte(r.Body), &body)
	line := r.Method + " " + pathOf(r)
	for _, word := range []string{body.Scope, body.Organization} {
		if word != "" {
			line += " " + word
		}
	}
	if body.Enter {
		line += " enter"
	}
	b.log, b.seen = append(b.log, line), append(b.seen, r)
	b.rate.record()
}

func (b *backend) token(r tab.Request) tab.Response {
	var request api.TokenRequest
	if err := json.Unmarshal([]byte(r.Body), &request); err != nil {
		return refuse(400, api.Error{Code: api.InvalidRequest})
	}
	switch {
	case b.person == "":
		return refuse(401, api.Error{Code: api.LoginRequired})
	case request.User != "" && request.User != "usr_"+b.person:
		return refuse(409, api.Error{Code: api.IdentityChanged})
	}
	mine := b.members[b.person]
	if request.Organization == "" && len(mine) != 1 {
		return b.choice()
	}
	i := slices.IndexFunc(mine, func(o api.Organization) bool {
		name := cmp.Or(request.Organization, o.ID)
		return name == o.ID || name == o.Slug
	})
	if i < 0 {
		return b.denial(request, api.Error{Code: api.OrganizationAccessDenied})
	}
	if refusal, ok := b.refusals[mine[i].ID]; ok {
		return b.denial(request, refusal)
	}
	if b.left[mine[i].ID] && !request.Enter {
		return b.denial(request, api.Error{Code: api.OrganizationSessionExpired, Reason: "signed_out"})
	}
	if refusal := b.idleSessions[mine[i].ID].decide(request); refusal != nil {
		return b.denial(request, *refusal)
	}
	delete(b.left, mine[i].ID)
	return ok(b.mint(mine[i]))
}

// mint names a token after its organization and person, so that tests see a mix-up.
func (b *backend) mint(o api.Organization) api.TokenResponse {
	b.minted++
	session := b.idleSessions[o.ID].deadlines()
	session.FreshOnSwitch = b.fresh
	life := b.life
	if session.IdleExpiresIn > 0 {
		life = min(life, session.IdleExpiresIn)
	}
	return api.TokenResponse{
		AccessToken:         fmt.Sprintf("%s@%s#%d", b.person, o.Slug, b.minted),
		TokenType:           api.TokenTypeBearer,
		ExpiresIn:           life,
		ServerTime:          serverTime(),
		Organization:        o,
		Roles:               []string{"member"},
		User:                b.user(),
		Session:             b.session,
		SessionExpiresIn:    86400,
		OrganizationSession: session,
		DeviceBound:         b.bound,
		Origins:             b.origins,
		Accounts:            b.here.told(),
	}
}

func (b *backend) user() api.User { return api.User{ID: "usr_" + b.person, Name: b.person} }

// choice refuses a mint that names no organization.
func (b *backend) choice() tab.Response {
	if b.before {
		return refuse(400, api.Error{Code: api.OrganizationRequired})
	}
	return refuse(200, api.Error{Code: api.OrganizationRequired, Session: b.sessionResponse()})
}

// denial refuses a mint for an organization that the person is not in, or no more.
func (b *backend) denial(request api.TokenRequest, refusal api.Error) tab.Response {
	if !b.before && !request.Enter {
		refusal.Session = b.sessionResponse()
	}
	return refuse(200, refusal)
}

func (b *backend) sessions() tab.Response {
	if b.person == "" {
		return refuse(401, api.Error{Code: api.LoginRequired})
	}
	return ok(b.sessionResponse())
}

func (b *backend) sessionResponse() *api.SessionResponse {
	states := []api.OrganizationState{}
	for _, o := range b.members[b.person] {
		states = append(states, api.OrganizationState{ID: o.ID, Slug: o.Slug, Name: o.Name, State: api.StateAvailable})
	}
	return &api.SessionResponse{Session: b.session, User: b.user(), Organizations: states, ServerTime: serverTime(), Origins: b.origins, Accounts: b.here.accounts()}
}

func (b *backend) logout(r tab.Request) tab.Response {
	var request api.LogoutRequest
	json.Unmarshal([]byte(r.Body), &request)
	switch {
	case b.person == "":
		return refuse(401, api.Error{Code: api.LoginRequired})
	case request.User != "usr_"+b.person:
		return refuse(409, api.Error{Code: api.IdentityChanged})
	case request.Scope == api.ScopeOrganization:
		b.left[request.Organization] = true
	default:
		b.person, b.session = "", ""
	}
	return ok(api.LogoutResponse{EndSessionURL: "https://id.example/end", ServerTime: serverTime()})
}

// serverTime is the backend's clock: the real time of the test's bubble.
func serverTime() int64 { return time.Now().Unix() }

func ok(body any) tab.Response {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return tab.Response{Status: 200, Body: string(text)}
}

func refuse(status int, e api.Error) tab.Response {
	response := ok(e)
	response.Status = status
	return response
}
