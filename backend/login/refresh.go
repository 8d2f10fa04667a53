package login

import (
	"context"
	"errors"
	"time"
)

// Metadata are refreshed at the first use after metadataLife, or after an error that a
// change of endpoints or keys could explain, at most once in metadataPause. A refresh
// takes at most refreshTimeout. If it fails, the known metadata remain in use.
const (
	metadataLife   = 50 * time.Minute
	metadataPause  = 10 * time.Second
	refreshTimeout = 3 * time.Second
)

// refresh refreshes the metadata if that is due, and returns the current ones.
func (p *Provider) refresh(ctx context.Context, known *discovered) *discovered {
	now := time.Now()
	p.mu.Lock()
	expired := now.Sub(known.readAt) >= metadataLife
	due := (expired || known.stale) && now.Sub(p.triedAt) >= metadataPause && p.found.Load() == known
	if due {
		p.triedAt = now // concurrent callers use the known metadata
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
	if !expired && found.metadata.KeySet == known.metadata.KeySet { // the keys' cache ends with the metadata's life
		found.keys, found.logoutKeys = known.keys, known.logoutKeys
	}
	p.found.Store(found)
	return found
}

// refreshAfter refreshes the metadata after an error that a change could explain. It
// returns the new metadata, or nil if they are unchanged.
func (p *Provider) refreshAfter(ctx context.Context, known *discovered, err error) *discovered {
	if !errors.Is(err, ErrUnavailable) && !errors.Is(err, errUnknownKey) {
		return nil
	}
	p.mu.Lock()
	known.stale = true
	p.mu.Unlock()
	if ctx.Err() != nil { // a later call refreshes them
		return nil
	}
	if found := p.refresh(ctx, known); found != known {
		return found
	}
	return nil
}
