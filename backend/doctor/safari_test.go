package doctor_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// zone answers for DNS: a host's alias, or itself, and its addresses.
type zone map[string]struct {
	alias     string
	addresses []string
}

func (z zone) LookupCNAME(_ context.Context, host string) (string, error) {
	entry, known := z[host]
	if !known {
		return "", &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if entry.alias == "" {
		return host + ".", nil
	}
	return entry.alias, nil
}

func (z zone) LookupNetIP(_ context.Context, _, host string) (all []netip.Addr, err error) {
	for _, address := range z[host].addresses {
		all = append(all, netip.MustParseAddr(address))
	}
	if all == nil {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return all, err
}

// TestSafari_CookiesThatItCutsAreFound: those of a backend on a host that is another
// site's alias, or in another network than the page's.
func TestSafari_CookiesThatItCutsAreFound(t *testing.T) {
	const app, auth, short = "app.example.com", "auth.example.com", "Safari keeps the session's cookie for seven days"
	page := []string{"192.0.2.10", "2001:db8:1:2::10"}
	for name, test := range map[string]struct {
		zone zone
		want string
	}{
		"one network":        {zone{app: {"", page}, auth: {"", []string{"192.0.200.7", "2001:db8:1:2:3::7"}}}, "ok cookies: auth.example.com and app.example.com are in one network"},
		"another network":    {zone{app: {"", page}, auth: {"", []string{"198.51.100.7"}}}, "warning cookies: auth.example.com (198.51.100.7) is in another network than app.example.com (192.0.2.10): " + short},
		"another IPv6 alone": {zone{app: {"", page}, auth: {"", []string{"192.0.2.7", "2001:db8:1:3::7"}}}, short},
		"IPv6 here alone":    {zone{app: {"", page[:1]}, auth: {"", page}}, short},
		"a mapped address":   {zone{app: {"", page[:1]}, auth: {"", []string{"::ffff:192.0.2.7"}}}, "ok cookies: auth"},
		"a foreign alias":    {zone{app: {"", page}, auth: {"tenant.provider.example.", page}}, "warning cookies: auth.example.com is an alias of tenant.provider.example, of another site than https://app.example.com: " + short},
		"an alias at home":   {zone{app: {"", page}, auth: {"gateway.example.com.", page}}, "ok cookies: auth"},
		"the page's alias":   {zone{app: {"edge.cdn.example.", page}, auth: {"edge.cdn.example.", page}}, "ok cookies: auth"},
		"no such host":       {zone{app: {"", page}}, "look cookies: DNS does not say where auth.example.com is"},
		"a page without one": {zone{auth: {"", page}}, "look cookies: DNS has no addresses of auth.example.com and app.example.com to compare"},
	} {
		if findings := examineInZone(t, "https://"+auth, test.zone); !strings.Contains(findings, test.want) {
			t.Errorf("%s: %q is not among\n%s", name, test.want, findings)
		}
	}
	if findings := examineInZone(t, "https://"+app+"/auth", zone{}); strings.Contains(findings, "Safari") || strings.Contains(findings, "DNS") {
		t.Errorf("on the page's own host:\n%s", findings)
	}
}

func examineInZone(t *testing.T, public string, z zone) (text string) {
	t.Helper()
	for _, f := range doctor.Examine(t.Context(), doctor.Config{
		PublicURL: public, Database: stored(t, app("https://app.example.com")), Transport: nobody{}, Now: now, Algorithm: signingkey.ES256, Resolver: z,
	}) {
		text += fmt.Sprintf("%s %s: %s → %s\n", f.Level, f.Subject, f.Text, f.Advice)
	}
	return text
}
