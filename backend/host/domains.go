package host

import (
	"context"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
)

// DomainStore is the part of the store that the check of domains needs.
type DomainStore interface {
	admin.DomainChecks
	// DueDomains returns the domains, starting after one, at most limit, for which DNS
	// last answered at a time or before: verified for those that are verified, others
	// for the others.
	DueDomains(ctx context.Context, after directory.Domain, verified, others int64, limit int) ([]directory.Domain, error)
}

// Verified domains are looked up once a day, others once an hour. The runs that look
// them up come at these intervals too, so that each is somewhat early.
const (
	checkVerified = 23 * time.Hour
	checkOthers   = 50 * time.Minute
	lookupTimeout = 5 * time.Second
)

// CheckDomains looks up the records of the domains that are due, starting after one, at
// most limit of them. It returns the last one, and how many it looked up. A domain for
// which DNS does not answer stays due.
func CheckDomains(ctx context.Context, store DomainStore, r domain.Resolver, now time.Time, after directory.Domain, limit int) (last directory.Domain, checked int, err error) {
	due, err := store.DueDomains(ctx, after, now.Add(-checkVerified).Unix(), now.Add(-checkOthers).Unix(), limit)
	for _, d := range due {
		if err = admin.CheckDomain(ctx, store, timed{r}, d, now.Unix()); err != nil {
			break
		}
		after, checked = d, checked+1
	}
	if err != nil {
		return after, checked, fmt.Errorf("check of domains: %w", err)
	}
	return after, checked, nil
}

// timed limits the time of each look-up.
type timed struct{ domain.Resolver }

// LookupTXT implements domain.Resolver.
func (t timed) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return t.Resolver.LookupTXT(ctx, name)
}
