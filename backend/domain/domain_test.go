package domain_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/domain/domaintest"
	"github.com/tabard-auth/tabard/backend/domain/overhttps"
)

func TestNormalize(t *testing.T) {
	for name, want := range map[string]string{
		"acme.example": "acme.example", "ACME.Example": "acme.example", "acme.example.": "acme.example",
		"bücher.example": "xn--bcher-kva.example", "BÜCHER.example": "xn--bcher-kva.example", "xn--bcher-kva.example": "xn--bcher-kva.example",
		"acme。example": "acme.example", "ａｃｍｅ.example": "acme.example", "mail.acme.co.uk": "mail.acme.co.uk", "straße.de": "xn--strae-oqa.de",
		// Refused:
		"": "", ".": "", "..": "", "acme.example..": "", ".acme.example": "", "acme..example": "", "example": "", "localhost": "",
		"com": "", "co.uk": "", "CO.UK.": "", "github.io": "", "公司.cn": "", "xn--55qx5d.cn": "", "appspot.com": "",
		"1.2.3": "", "acme.1": "", "acme.example.0": "", "0x7f.1": "", "acme.0x7f": "", "acme.0x": "", "127.1.": "", "１.２.３": "", "acme.007": "",
		"1.acme.example": "1.acme.example", "0x7f.example": "0x7f.example", "acme.0x7g.example": "acme.0x7g.example",
		"192.0.2.1": "", "[2001:db8::1]": "", "2001:db8::1": "", "acme.example:80": "", "https://acme.example": "", "a@acme.example": "",
		"acme .example": "", "acme_x.example": "", "*.acme.example": "", "-acme.example": "", "xn--a.example": "", "acme.example/": "",
		strings.Repeat("a", 64) + ".example": "", strings.Repeat("a.", 60) + "example": "", strings.Repeat("a", 5000): "", "a\x00.example": "",
	} {
		got, err := domain.Normalize(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Normalize(%.80q) = %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestOfAddress(t *testing.T) {
	for address, want := range map[string]string{
		"alice@acme.example": "acme.example", "Alice@ACME.EXAMPLE.": "acme.example", "a@bücher.example": "xn--bcher-kva.example", "ä@acme.example": "acme.example",
		// Read differently by other programs, or no addresses:
		"a@b@acme.example": "", `"a@b"@acme.example`: "", "@acme.example": "", "acme.example": "", "alice@": "", "": "", "a@[192.0.2.1]": "", "a@192.0.2.1": "", "a@1.2.3": "", "a@0x7f.1": "", "a@acme.9": "",
		"a@acme.example,b@globex.example": "", "a@acme.example\r\nBcc: b": "", "a@acme.example ": "", "a@" + strings.Repeat("a.", 300) + "example": "",
		strings.Repeat("a", 400) + "@acme.example": "",
	} {
		if got, ok := domain.OfAddress(address); got != want || ok != (want != "") {
			t.Errorf("OfAddress(%.80q) = %q, %v; want %q", address, got, ok, want)
		}
	}
}

// resolvers are the ways to ask a DNS server.
func resolvers(t *testing.T, dns *domaintest.Server) map[string]domain.Resolver {
	return map[string]domain.Resolver{
		"by DNS":   dns.Resolver(),
		"by HTTPS": overhttps.Resolver{URL: dns.OverHTTPS(t), Transport: http.DefaultTransport},
	}
}

// TestPublished asks a DNS server. A record that is not there is a certain answer.
func TestPublished(t *testing.T) {
	const name, here = "_tabard.acme.example", "tabard-domain-verification=token"
	long := strings.Repeat("x", 255)
	for about, c := range map[string]struct {
		set  func(*domaintest.Server)
		want bool
	}{
		"no such name":            {func(*domaintest.Server) {}, false},
		"another name":            {func(d *domaintest.Server) { d.Set("acme.example", here) }, false},
		"no TXT record":           {func(d *domaintest.Server) { d.SetStrings(name, nil...); d.Set("x."+name, here) }, false},
		"other records":           {func(d *domaintest.Server) { d.Set(name, "v=spf1 -all", "tabard-domain-verification=other", here+"x") }, false},
		"another's alone":         {func(d *domaintest.Server) { d.Set(name, "tabard-domain-verification=TOKEN") }, false},
		"it":                      {func(d *domaintest.Server) { d.Set(name, here) }, true},
		"beside others":           {func(d *domaintest.Server) { d.Set(name, "v=spf1 -all", here, long) }, true},
		"among many":              {func(d *domaintest.Server) { d.Set(name, long, long, long, long, long, here) }, true},
		"with spaces":             {func(d *domaintest.Server) { d.Set(name, " "+here+" ") }, true},
		"with quotes":             {func(d *domaintest.Server) { d.Set(name, `"`+here+`"`) }, false},
		"of several strings":      {func(d *domaintest.Server) { d.SetStrings(name, []string{"tabard-domain-", "verification=", "token"}) }, true},
		"in two records":          {func(d *domaintest.Server) { d.Set(name, "tabard-domain-", "verification=token") }, false},
		"by an alias":             {func(d *domaintest.Server) { d.Alias(name, "a.example"); d.Set("a.example", here) }, true},
		"by a chain of aliases":   {func(d *domaintest.Server) { chain(d, name, here) }, true},
		"an alias that is none":   {func(d *domaintest.Server) { d.Alias(name, "a.example") }, false},
		"an alias of other texts": {func(d *domaintest.Server) { d.Alias(name, "a.example"); d.Set("a.example", "x") }, false},
	} {
		t.Run(about, func(t *testing.T) {
			dns := domaintest.New(t)
			c.set(dns)
			for way, r := range resolvers(t, dns) {
				if got, err := domain.Published(t.Context(), r, "acme.example", "token"); err != nil || got != c.want {
					t.Errorf("%s: %v, %v", way, got, err)
				}
			}
			for _, asked := range dns.Asked() {
				if asked != name {
					t.Errorf("DNS was asked for %s", asked)
				}
			}
		})
	}
}

func chain(d *domaintest.Server, name, text string) {
	d.Alias(name, "a.example")
	d.Alias("a.example", "b.example")
	d.Alias("b.example", "c.example")
	d.Set("c.example", text)
}

// TestPublished_Unknown: what is no answer says neither that the record is there nor that
// it is not.
func TestPublished_Unknown(t *testing.T) {
	for about, fault := range map[string]domaintest.Fault{
		"SERVFAIL": domaintest.Fails, "REFUSED": domaintest.Refuses, "no answer": domaintest.Silent,
		"truncated": domaintest.Truncated, "to another question": domaintest.Foreign, "cut off": domaintest.Garbled,
	} {
		for _, texts := range [][]string{nil, {domain.RecordText("token")}} {
			t.Run(fmt.Sprintf("%s, %d records", about, len(texts)), func(t *testing.T) {
				t.Parallel()
				dns := domaintest.New(t)
				dns.Set("_tabard.acme.example", texts...)
				dns.Fault(fault)
				for way, r := range resolvers(t, dns) {
					ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
					if got, err := domain.Published(ctx, r, "acme.example", "token"); err == nil || got {
						t.Errorf("%s: %v, %v", way, got, err)
					}
					cancel()
				}
				dns.Fault(domaintest.None)
				for way, r := range resolvers(t, dns) {
					if got, err := domain.Published(t.Context(), r, "acme.example", "token"); err != nil || got != (texts != nil) {
						t.Errorf("%s, afterward: %v, %v", way, got, err)
					}
				}
			})
		}
	}
}
