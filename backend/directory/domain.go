package directory

import (
	"crypto/rand"
	"errors"
	"strings"
)

// Domain is a domain of an organization's people, such as example.com. While it is
// verified, an address of it leads to the organization's connection. It gives nobody
// access.
type Domain struct {
	OrganizationID string
	// Name is normalized, see package domain.
	Name string
	// Token is the random part of the DNS record that verifies the domain.
	Token string
	// FromFile means that the domain is managed by the workspace file.
	FromFile  bool
	CreatedAt int64
	// VerifiedAt is when the domain was verified, or 0 while it is not. CheckedAt is when
	// DNS last answered.
	VerifiedAt, CheckedAt int64
	// Problem is why the last check did not verify the domain.
	Problem DomainProblem
}

// DomainProblem is why a check did not verify a domain.
type DomainProblem string

// The problems.
const (
	RecordMissing DomainProblem = "record_missing"
	// DomainTaken means that another organization has verified the domain before.
	DomainTaken DomainProblem = "domain_taken"
	// DNSUnavailable means that DNS did not answer, so that nothing has changed.
	DNSUnavailable DomainProblem = "dns_unavailable"
)

// Errors of domains.
var (
	ErrNoDomain     = errors.New("directory: the organization has no such domain")
	ErrDomainExists = errors.New("directory: the organization has this domain")
	ErrTooMany      = errors.New("directory: the organization has too many domains")
)

// MaxDomains is the most domains of an organization that a file names, and beyond which an
// administrator adds none. MostDomains is the most that there can be of both.
const (
	MaxDomains  = 100
	MostDomains = 2 * MaxDomains
)

// NewDomainToken returns the random part of a new domain's record.
func NewDomainToken() string { return strings.ToLower(rand.Text()) }
