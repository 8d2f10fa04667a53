package domain_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/domain/domaintest"
)

func TestNormalize(t *testing.T) {
	for name, want := range map[string]string{
		"acme.example": "acme.example", "ACME.Example": "acme.example", "acme.example.": "acme.example",
		"bücher.example": "xn--bcher-kva.example", "BÜCHER.example": "xn--bcher-kva.example", "xn--bcher-kva.example": "xn--bcher-kva.example",
		"acme。example": "acme.example", "ａｃｍｅ.example": "acme.example", "mail.acme.co.uk": "mail.acme.co.uk", "straße.de": "xn--strae-oqa.de",
		// Refused:
		"": "", ".": "", "..": "", "acme.example..": "", ".acme.example": "", "acme..example": "", "example": "", "localhost": "",
		"com": "", "co.uk": "", "CO.UK.": "", "github.io": "", "公司.cn": "", "xn--55qx5d.cn": "", "appspot.com": "",
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
		"a@b@acme.example": "", `"a@b"@acme.example`: "", "@acme.example": "", "acme.example": "", "alice@": "", "": "", "a@[192.0.2.1]": "", "a@192.0.2.1": "",
		"a@acme.example,b@globex.example": "", "a@acme.example\r\nBcc: b": "", "a@acme.example ": "", "a@" + strings.Repeat("a.", 300) + "example": "",
		strings.Repeat("a", 400) + "@acme.example": "",
	} {
		if got, ok := domain.OfAddress(address); got != want || ok != (want != "") {
			t.Errorf("OfAddress(%.80q) = %q, %v; want %q", address, got, ok, want)
		}
	}
}

// TestPublished asks a DNS server.
func TestPublished(t *testing.T) {
	dns := domaintest.New(t)
	r := dns.Resolver()
	published := func(want bool) {
		t.Helper()
		got, err := domain.Published(t.Context(), r, "acme.example", "token")
		if err != nil || got != want {
			t.Errorf("published: %v, %v; want %v", got, err, want)
		}
	}
	published(false)
	dns.Set("acme.example", domain.RecordText("token")) // another name
	published(false)
	dns.Set("_tabard.acme.example", "v=spf1 -all", domain.RecordText("other"), domain.RecordText("token")+"x")
	published(false)
	dns.Set("_tabard.acme.example", "v=spf1 -all", domain.RecordText("token"))
	published(true)
	dns.Set("_tabard.acme.example", " "+domain.RecordText("token")+" ")
	published(true)
	dns.Break(true)
	if got, err := domain.Published(t.Context(), r, "acme.example", "token"); err == nil || got {
		t.Errorf("a server that fails: %v, %v", got, err)
	}
	for _, name := range dns.Asked() {
		if name != "_tabard.acme.example" {
			t.Errorf("DNS was asked for %s", name)
		}
	}
}
