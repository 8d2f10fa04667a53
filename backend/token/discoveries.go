//go:build !js

package token

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"time"
)

// discovery is the first fetch of an organization's keys, shared by all callers that
// wait for it.
type discovery struct {
	organization string
	set          *KeySet
	done         chan struct{} // closed when it has ended
	err          error         // why there is no set, valid once done is closed

	asking int           // number of callers that wait
	place  *list.Element // in the queue; nil if not queued
}

const (
	// maxWaiting limits the organizations whose first fetch has not begun.
	maxWaiting = 1000
	// discoveryTimeout is the longest wait for a discovery.
	discoveryTimeout = 2 * keySetTimeout
)

var errCrowded = errors.New("token: too many organizations' keys are being fetched for the first time; try again")

// ask joins the discovery of an organization, which begins at once or is queued. If the
// queue is full, the entry with the oldest request is dropped.
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

// next starts queued discoveries while fewer than the limit are under way.
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

// end releases the callers that wait for a discovery.
func (s *KeySets) end(d *discovery) {
	if d.place != nil {
		s.waiting.Remove(d.place)
		d.place = nil
	}
	delete(s.discoveries, d.organization)
	close(d.done)
}

// wait waits for a discovery. A discovery that no caller waits for any more is not
// made.
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

// misses are the organizations without keys, and those whose issuer could not be
// reached. The memory is bounded: if it is full, the older half is forgotten and may be
// fetched again.
type misses struct {
	newer, older map[string]miss
	since        time.Time // start of newer
}

type miss struct {
	err   error
	until time.Time
}

const maxMisses = 5000 // in each half

func (m *misses) find(organizationID string, now time.Time) error {
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
