// Package domain knows the names of domains that belong to organizations, and the DNS
// record by which the owner of a domain proves it.
package domain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// names are registered domain names in the form of DNS (UTS #46, not transitional).
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// Normalize returns a domain's name as it is compared and looked up: in ASCII and lower
// case, without a trailing dot. The error says what is wrong, for people.
func Normalize(name string) (string, error) {
	ascii, ok := normalize(name)
	if !ok {
		return "", fmt.Errorf("%q is not a domain name such as example.com", name)
	}
	if !strings.Contains(ascii, ".") {
		return "", fmt.Errorf("%q is not a registered domain such as example.com", name)
	}
	if len(ascii) > longest {
		return "", fmt.Errorf("%q is longer than %d bytes", name, longest)
	}
	if suffix, _ := publicsuffix.PublicSuffix(ascii); suffix == ascii {
		return "", fmt.Errorf("%q is a public suffix, under which anybody can register names; name one of these", name)
	}
	return ascii, nil
}

// longest is the largest length of an organization's domain in bytes, which is a cursor
// of the administration API.
const longest = 100

// maxName is the largest length of a name, in bytes, before it is normalized.
const maxName = 1000

func normalize(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxName {
		return "", false
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return "", false
	}
	ascii, err := names.ToASCII(name)
	if err != nil || ascii == "" || strings.HasSuffix(ascii, ".") || endsInNumber.MatchString(ascii) {
		return "", false
	}
	return ascii, true
}

// endsInNumber matches what browsers and resolvers read as an IPv4 address, or refuse: a name
// whose last label is a number, decimal or hexadecimal (the URL Standard, "ends in a number").
var endsInNumber = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9A-Fa-f]*)$`)

// maxAddress is the largest length of an e-mail address, in bytes (RFC 5321 section
// 4.5.3.1.3), with room for a name that is not ASCII.
const maxAddress = 320

// OfAddress returns the normalized domain of an e-mail address. It returns false if the
// text is not an address with one @: two programs must not read it differently.
func OfAddress(address string) (string, bool) {
	local, name, found := strings.Cut(address, "@")
	if !found || local == "" || strings.Contains(name, "@") || len(address) > maxAddress {
		return "", false
	}
	return normalize(name)
}

// RecordName returns the name of the TXT record that verifies a domain.
func RecordName(name string) string { return "_tabard." + name }

// RecordText returns the text of that record.
func RecordText(token string) string { return "tabard-domain-verification=" + token }

// Resolver looks up TXT records. [net.Resolver] implements it.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Published reports whether a domain's TXT record is in DNS. An error means that this is
// not known, because DNS did not answer.
func Published(ctx context.Context, r Resolver, name, token string) (bool, error) {
	texts, err := r.LookupTXT(ctx, RecordName(name)+".") // the dot keeps a search list out
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.TrimSpace(text) == RecordText(token) }), nil
}
