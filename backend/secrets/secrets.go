// Package secrets says how far the replacement of the workspace's secret is, and whether
// its next step is safe.
//
// A secret is replaced in three steps: the new value is added below the one in use, so
// that every replica accepts it; it changes places with it, so that every replica makes
// with it; the old value is removed. Between the steps every replica gets the file.
package secrets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/administration"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/keys"
)

// Store is what is asked how far a replacement is.
type Store interface {
	keys.Keeper
	host.Resealer
	// SessionsFrom counts the living sessions that began at a time or before, and returns
	// the end of the last.
	SessionsFrom(ctx context.Context, until, now int64) (count, end int64, err error)
	// Keys returns the keys of administrators and of apps' servers, by pages.
	Keys(ctx context.Context, after string, limit int) ([]administration.Key, error)
}

// Step is a step of a replacement.
type Step int

// The steps, and what the next one is where they are done.
const (
	Add     Step = 1 + iota // one value: the new one is added
	Promote                 // two values, of which the second is to be the first
	Remove                  // two values, of which the second is to go
)

// Next returns the next step of a secret whose values have those ids. Of two values the
// store knows which came before, or else nobody does.
func Next(ids []string, all []keys.Sighting) (step Step, known bool) {
	if len(ids) < 2 {
		return Add, true
	}
	made := map[string]bool{}
	for _, s := range all {
		made[s.ID] = made[s.ID] || s.Place == 0
	}
	switch {
	case made[ids[1]]:
		return Remove, true
	case made[ids[0]]:
		return Promote, true
	}
	return 0, false
}

// Examination is what a step is examined with. The secret has its values in the order in
// which the file has them before the step.
type Examination struct {
	Store  Store
	Secret keys.Secret
	Now    int64
	// Look tells to change nothing: what is sealed under the old value is counted, and not
	// sealed anew.
	Look bool
}

// slack is how much later than the store tells a replica may have used a value, in
// seconds; attempts is how long a sign-in, a hand-over or a nonce that was begun may take.
const (
	slack    = keys.Alive
	attempts = 15 * 60
)

// Blockers returns why a step is not safe yet: for each reason what to do about it.
func (e *Examination) Blockers(ctx context.Context, step Step) ([]string, error) {
	ids, err := e.Secret.IDs()
	if err != nil || step == Add {
		return nil, err
	}
	all, err := e.Store.SecretKeys(ctx)
	if err != nil {
		return nil, err
	}
	if step == Promote {
		return e.unknownTo(all, ids[1]), nil
	}
	reasons := e.notMaking(all, ids[0])
	if len(reasons) > 0 {
		return reasons, nil
	}
	until := lastMade(all, ids[0], ids[1])
	for _, ask := range []func(context.Context, int64) ([]string, error){e.underWay, e.sessions, e.signingKeys, e.connections, e.keys} {
		more, err := ask(ctx, until)
		if err != nil {
			return nil, err
		}
		reasons = append(reasons, more...)
	}
	return reasons, nil
}

// Replica is one that lives, with the ids of its secret's values, the one that makes
// first.
type Replica struct {
	Name string   `json:"name"`
	IDs  []string `json:"values"`
}

// Living returns the replicas that live, by name.
func Living(all []keys.Sighting, now int64) (replicas []Replica) {
	for _, s := range all { // by replica, and place
		if !s.Lives(now) {
			continue
		}
		if n := len(replicas); n == 0 || replicas[n-1].Name != s.Replica {
			replicas = append(replicas, Replica{Name: s.Replica})
		}
		last := &replicas[len(replicas)-1]
		last.IDs = append(last.IDs, s.ID)
	}
	return replicas
}

const nobody = "no replica has been seen for some minutes: start one with this file, and see in its log that it reaches the database"

// unknownTo tells which replicas do not know a value.
func (e *Examination) unknownTo(all []keys.Sighting, id string) (reasons []string) {
	living := Living(all, e.Now)
	if len(living) == 0 {
		return []string{nobody}
	}
	for _, r := range living {
		if !slices.Contains(r.IDs, id) {
			reasons = append(reasons, fmt.Sprintf("replica %s does not know the new secret (%s): give it the file and restart it", r.Name, id))
		}
	}
	return reasons
}

// notMaking tells which replicas make with another value.
func (e *Examination) notMaking(all []keys.Sighting, id string) (reasons []string) {
	living := Living(all, e.Now)
	if len(living) == 0 {
		return []string{nobody}
	}
	for _, r := range living {
		if r.IDs[0] != id {
			reasons = append(reasons, fmt.Sprintf("replica %s does not use the new secret (%s) yet: give it the file and restart it", r.Name, id))
		}
	}
	return reasons
}

// lastMade is until when the old value may have made something.
func lastMade(all []keys.Sighting, newer, older string) (until int64) {
	first := int64(0)
	for _, s := range all {
		switch {
		case s.ID == older && s.Place == 0:
			until = max(until, s.LastSeen)
		case s.ID == newer && s.Place == 0 && (first == 0 || s.FirstSeen < first):
			first = s.FirstSeen
		}
	}
	return max(until, first) + slack
}

// underWay tells whether something may be under way that is over in minutes.
func (e *Examination) underWay(_ context.Context, until int64) ([]string, error) {
	if over := until + attempts; e.Now < over {
		return []string{"sign-ins may be under way that began under the old secret: wait until " + moment(over)}, nil
	}
	return nil, nil
}

// sessions tells whether browsers may hold refresh tokens of the old value.
func (e *Examination) sessions(ctx context.Context, until int64) ([]string, error) {
	count, end, err := e.Store.SessionsFrom(ctx, until, e.Now)
	if err != nil || count == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d living sessions began under the old secret, and would be signed out: the last ends at %s", count, moment(end))}, nil
}

const page = 200

// signingKeys tells which signing keys are sealed under the old value.
func (e *Examination) signingKeys(ctx context.Context, _ int64) ([]string, error) {
	chain, err := e.Store.SigningKeys(ctx, "")
	if err != nil {
		return nil, err
	}
	sealed := chain.Unopened(e.Secret.Newest(), e.Now)
	for after, more := "", true; more; {
		issuers, err := e.Store.SigningKeyIssuers(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, i := range issuers {
			sealed, after = append(sealed, i.Keys.Unopened(e.Secret.Newest(), e.Now)...), i.Organization
		}
		more = len(issuers) == page
	}
	if len(sealed) == 0 {
		return nil, nil
	}
	return []string{"signing keys are sealed under the old secret (" + strings.Join(sealed, ", ") +
		"): servers replace them by themselves, within three hours of the step before"}, nil
}

// connections seals anew what is sealed under the old value, and tells of what is left.
func (e *Examination) connections(ctx context.Context, _ int64) ([]string, error) {
	left, err := host.Reseal(ctx, e.Store, e.Secret, e.Now, e.Look)
	if err != nil || left == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("the client secrets of %d connections are sealed under the old secret: servers seal them anew within the hour, and tabard secret rotate at once", left)}, nil
}

// keys tells which keys were last used under the old value: what is stored is their hash,
// which only their next use renews.
func (e *Examination) keys(ctx context.Context, until int64) ([]string, error) {
	var names []string
	for after, more := "", true; more; {
		all, err := e.Store.Keys(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, k := range all {
			after = k.ID
			if k.RevokedAt == 0 && (k.ExpiresAt == 0 || k.ExpiresAt > e.Now) && max(k.CreatedAt, k.LastUsedAt) <= until {
				names = append(names, fmt.Sprintf("%s (%s)", k.ID, k.Name))
			}
		}
		more = len(all) == page
	}
	if len(names) == 0 {
		return nil, nil
	}
	return []string{"API keys have not been used since, and would be refused: use each once, or revoke it: " + strings.Join(names, ", ")}, nil
}

func moment(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02 15:04Z") }
