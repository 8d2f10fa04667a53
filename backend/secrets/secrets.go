// Package secrets determines the progress of a replacement of the workspace's secret,
// and whether the next step is safe.
//
// A secret is replaced in three steps. First the new value is added below the current
// one, so that every replica accepts it. Then the two are exchanged, so that every
// replica uses the new one. Then the old value is removed. Between the steps every
// replica gets the file.
package secrets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is the part of the store that the examination needs.
type Store interface {
	signingkey.Admin
	host.Resealer
	// SessionsFrom counts the live sessions that began at a time or before, and returns
	// the end of the last.
	SessionsFrom(ctx context.Context, until, now int64) (count, end int64, err error)
	// Keys returns the keys of administrators and of apps' servers, in pages.
	Keys(ctx context.Context, after string, limit int) ([]admin.Key, error)
}

// Step is a step of a replacement.
type Step int

// The steps, and the state of the secret before each.
const (
	Add     Step = 1 + iota // one value: the new one is added
	Promote                 // two values; the second becomes the first
	Remove                  // two values; the second is removed
)

// Next returns the next step for a secret whose values have those ids. If there are two
// values, known is false if the store does not know which is older.
func Next(ids []string, all []signingkey.ReplicaKey) (step Step, known bool) {
	if len(ids) < 2 {
		return Add, true
	}
	made := map[string]bool{}
	for _, s := range all {
		made[s.ID] = made[s.ID] || s.Index == 0
	}
	switch {
	case made[ids[1]]:
		return Remove, true
	case made[ids[0]]:
		return Promote, true
	}
	return 0, false
}

// Examination is the input for examining a step. Secret has its values in the order of
// the file before the step.
type Examination struct {
	Store  Store
	Secret signingkey.Secret
	Now    int64
	// Look means to change nothing: values sealed under the old value are counted and
	// not resealed.
	Look bool
}

// slack is how much later than recorded a replica may have used a value, in seconds.
// attempts is how long a sign-in, a hand-over or a nonce can be under way.
const (
	slack    = signingkey.AliveFor
	attempts = 15 * 60
)

// Blockers returns the reasons why a step is not safe yet, each with the remedy.
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
	reasons := e.notUsing(all, ids[0])
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

// Replica is a live replica with the ids of its secret's values, the one in use first.
type Replica struct {
	Name string   `json:"name"`
	IDs  []string `json:"values"`
	// LastSeen is when it was last heard, in Unix seconds.
	LastSeen int64 `json:"last_seen"`
}

// quietAfter is how long a replica that runs is silent at most, in seconds: it is heard
// every minute.
const quietAfter = signingkey.RecordInterval * 3 / 2

// Silence returns "" for a replica that was heard lately, and otherwise that it may have
// ended.
func (r Replica) Silence(now int64) string {
	if now-r.LastSeen <= quietAfter {
		return ""
	}
	return fmt.Sprintf(" (last heard at %s: it may have ended)", time.Unix(r.LastSeen, 0).UTC().Format("15:04:05Z"))
}

// Reload is how a replica gets a new file.
const Reload = "restart it, or reload it (SIGHUP) where it reads the file itself and not a copy of systemd's (LoadCredential)"

// Live returns the live replicas, by name.
func Live(all []signingkey.ReplicaKey, now int64) (replicas []Replica) {
	for _, s := range all { // by replica, and place
		if !s.IsAlive(now) {
			continue
		}
		if n := len(replicas); n == 0 || replicas[n-1].Name != s.Replica {
			replicas = append(replicas, Replica{Name: s.Replica})
		}
		last := &replicas[len(replicas)-1]
		last.LastSeen = max(last.LastSeen, s.LastSeen)
		last.IDs = append(last.IDs, s.ID)
	}
	return replicas
}

const nobody = "no replica has been seen for some minutes: start one with this file, and check in its log that it reaches the database"

// unknownTo returns the replicas that do not have a value.
func (e *Examination) unknownTo(all []signingkey.ReplicaKey, id string) (reasons []string) {
	living := Live(all, e.Now)
	if len(living) == 0 {
		return []string{nobody}
	}
	for _, r := range living {
		if !slices.Contains(r.IDs, id) {
			reasons = append(reasons, fmt.Sprintf("replica %s%s does not have the new secret (%s): give it the file, and "+Reload, r.Name, r.Silence(e.Now), id))
		}
	}
	return reasons
}

// notUsing returns the replicas that use another value.
func (e *Examination) notUsing(all []signingkey.ReplicaKey, id string) (reasons []string) {
	living := Live(all, e.Now)
	if len(living) == 0 {
		return []string{nobody}
	}
	for _, r := range living {
		if r.IDs[0] != id {
			reasons = append(reasons, fmt.Sprintf("replica %s%s does not use the new secret (%s) yet: give it the file, and "+Reload, r.Name, r.Silence(e.Now), id))
		}
	}
	return reasons
}

// lastMade returns the latest time at which the old value may have been used to make
// something.
func lastMade(all []signingkey.ReplicaKey, newer, older string) (until int64) {
	first := int64(0)
	for _, s := range all {
		switch {
		case s.ID == older && s.Index == 0:
			until = max(until, s.LastSeen)
		case s.ID == newer && s.Index == 0 && (first == 0 || s.FirstSeen < first):
			first = s.FirstSeen
		}
	}
	return max(until, first) + slack
}

// underWay reports operations that may be under way and end within minutes.
func (e *Examination) underWay(_ context.Context, until int64) ([]string, error) {
	if over := until + attempts; e.Now < over {
		return []string{"sign-ins that began under the old secret may be under way: wait until " + moment(over)}, nil
	}
	return nil, nil
}

// sessions reports whether browsers may hold refresh tokens of the old value.
func (e *Examination) sessions(ctx context.Context, until int64) ([]string, error) {
	count, end, err := e.Store.SessionsFrom(ctx, until, e.Now)
	if err != nil || count == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d live sessions began under the old secret and would be signed out: the last ends at %s", count, moment(end))}, nil
}

const page = 200

// signingKeys reports the signing keys that are sealed under the old value.
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
		"): servers replace them automatically within three hours of the previous step"}, nil
}

// connections reseals values sealed under the old value and reports the remaining ones.
func (e *Examination) connections(ctx context.Context, _ int64) ([]string, error) {
	left, err := host.Reseal(ctx, e.Store, e.Secret, e.Now, e.Look)
	if err != nil || left == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("the client secrets of %d connections are sealed under the old secret: servers reseal them within an hour, tabard secret rotate does it at once", left)}, nil
}

// keys reports the keys that were last used under the old value. The store has their
// hashes, which only their next use renews.
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
	return []string{"these API keys have not been used since and would be refused: use each once, or revoke it: " + strings.Join(names, ", ")}, nil
}

func moment(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02 15:04Z") }
