//go:build !js

package token

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"time"
)

// discovery is the first fetch of an organization's keys, for all who wait for it.
type discovery struct {
	organization string
	set          *KeySet
	done         chan struct{} // closed when it has ended
	err          error         // why there is no set, once it has ended

	asking int           // how many wait
	place  *list.Element // in the queue; nil without one
}

const (
	// maxWaiting bounds the organizations whose first fetch has not begun.
	maxWaiting = 1000
	// discoveryTimeout is the longest that anybody waits for one.
	discoveryTimeout = 2 * keySetTimeout
)

var errCrowded = errors.New("token: too many organisations are asked for whose keys are not known yet; ask again")

// ask joins the discovery of an organization, which begins at once or waits. Where too
// many wait, the one that was asked for longest ago gives way.
func (s *KeySets) ask(organizationID string) *discovery {
	d := s.discoveries[organizationID]
	if d == nil {
		d = &discovery{organization: organizationID, set: s.newSet(organizationID), done: make(chan struct{})}
		s.discoveries[organizationID] = d
		d.place = s.waiting.PushFront(d)
		s.next()
	}
	if d.asking++; d.place != nil {
		s.waiting.MoveToFront(d.place)
	}
	if s.waiting.Len() > maxWaiting {
		oldest := s.waiting.Back().Value.(*discovery)
		oldest.err = errCrowded
		s.end(oldest)
	}
	return d
}

// next begins what waits, as far as there are places.
func (s *KeySets) next() {
	for s.out < fetchesAtOnce && s.waiting.Len() > 0 {
		d := s.waiting.Remove(s.waiting.Front()).(*discovery)
		d.place = nil
		s.out++
		go s.discover(d)
	}
}

// discover fetches an organization's keys for the first time.
func (s *KeySets) discover(d *discovery) {
	err := d.set.first()
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.err = err; err == nil {
		s.keep(d.organization, d.set)
	} else {
		s.misses.add(d.organization, err, d.set.pause(), time.Now())
	}
	s.end(d)
	s.out--
	s.next()
}

// end lets those who wait for a discovery go on.
func (s *KeySets) end(d *discovery) {
	if d.place != nil {
		s.waiting.Remove(d.place)
		d.place = nil
	}
	delete(s.discoveries, d.organization)
	close(d.done)
}

// wait waits for a discovery, which nobody makes for those who went away.
func (s *KeySets) wait(ctx context.Context, d *discovery) error {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.asking--; d.asking == 0 && d.place != nil {
		d.err = ctx.Err()
		s.end(d)
	}
	return fmt.Errorf("the key set of %s could not be fetched in time: %w", d.organization, ctx.Err())
}

// misses are the organizations without keys, and those whose issuer could not be asked.
// Its memory is bounded: where there are more, the oldest half is forgotten, and asked
// for again.
type misses struct {
	newer, older map[string]miss
	since        time.Time // when newer began
}

type miss struct {
	err   error
	until time.Time
}

const maxMisses = 5000 // in a half

func (m *misses) of(organizationID string, now time.Time) error {
	for _, half := range []map[string]miss{m.newer, m.older} {
		if known, ok := half[organizationID]; ok && now.Before(known.until) {
			return known.err
		}
	}
	return nil
}

func (m *misses) add(organizationID string, err error, pause time.Duration, now time.Time) {
	if m.newer == nil || len(m.newer) >= maxMisses || now.Sub(m.since) >= KeySetPause {
		m.older, m.newer, m.since = m.newer, map[string]miss{}, now
	}
	m.newer[organizationID] = miss{err, now.Add(pause)}
}
