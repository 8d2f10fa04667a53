package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
)

// DomainStore is the part of the store that the check of domains needs.
type DomainStore interface {
	admin.DomainChecks
	// DueDomains returns the domains that were last looked up at tried or before, at most
	// limit, those that have waited longest first. A verified domain is due if DNS also
	// last answered at answered or before.
	DueDomains(ctx context.Context, answered, tried int64, limit int) ([]directory.Domain, error)
}

// Verified domains are looked up once a day, others once an hour, and so are those for
// which DNS did not answer. The runs that look them up come at these intervals too, so
// that each is somewhat early.
const (
	checkVerified = 23 * time.Hour
	checkOthers   = 50 * time.Minute
	lookupTimeout = 5 * time.Second
	// lookups is how many domains are looked up at once: names for which DNS does not
	// answer take all of their time.
	lookups = 5
)

// CheckDomains looks up the records of the domains that are due, at most limit of them,
// those that have waited longest first. It returns how many it looked up.
func CheckDomains(ctx context.Context, store DomainStore, r domain.Resolver, now time.Time, limit int) (checked int, err error) {
	due, err := store.DueDomains(ctx, now.Add(-checkVerified).Unix(), now.Add(-checkOthers).Unix(), limit)
	if err != nil {
		return 0, fmt.Errorf("check of domains: %w", err)
	}
	failed := make([]error, len(due))
	var all sync.WaitGroup
	places := make(chan struct{}, lookups)
	for i, d := range due {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			failed[i] = admin.CheckDomain(ctx, store, timed{r}, d, now.Unix())
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return 0, fmt.Errorf("check of domains: %w", err)
	}
	return len(due), nil
}

// timed limits the time of each look-up.
type timed struct{ domain.Resolver }

// LookupTXT implements domain.Resolver.
func (t timed) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return t.Resolver.LookupTXT(ctx, name)
}
