package login

import (
	"context"
	"errors"
	"time"
)

// A provider's metadata are read again at the first use after metadataLife, and at the
// next after a failure that moved endpoints or keys would explain, but not within
// metadataPause of the last attempt. Nobody waits for that longer than rereadTimeout:
// what was read before goes on, for as long as the provider cannot be read.
const (
	metadataLife   = 50 * time.Minute
	metadataPause  = 10 * time.Second
	refreshTimeout = 3 * time.Second
)

// refresh reads the provider's metadata again, where that is due.
func (p *Provider) refresh(ctx context.Context, known *discovered) *discovered {
	now := time.Now()
	p.mu.Lock()
	old := now.Sub(known.readAt) >= metadataLife
	due := (old || known.stale) && now.Sub(p.triedAt) >= metadataPause && p.found.Load() == known
	if due {
		p.triedAt = now // whoever comes meanwhile goes on with what is known
	}
	p.mu.Unlock()
	if !due {
		return p.found.Load()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	found, err := p.readMetadata(ctx)
	if err != nil {
		return known
	}
	if !old && found.metadata.KeySet == known.metadata.KeySet { // keys that were withdrawn go within the hour
		found.keys, found.logoutKeys = known.keys, known.logoutKeys
	}
	p.found.Store(found)
	return found
}

// refreshAfter reads the metadata again after an error that moved endpoints or keys would
// explain, and returns what they say now; nil where there is nothing new.
func (p *Provider) refreshAfter(ctx context.Context, known *discovered, err error) *discovered {
	if !errors.Is(err, ErrUnavailable) && !errors.Is(err, errUnknownKey) {
		return nil
	}
	p.mu.Lock()
	known.stale = true
	p.mu.Unlock()
	if found := p.refresh(ctx, known); found != known {
		return found
	}
	return nil
}
