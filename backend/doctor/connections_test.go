package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// tenant is an organization with a connection at a provider.
type tenant struct {
	*testing.T
	secret   signingkey.Secret
	path     string
	provider string
}

func newTenant(t *testing.T, provider string, change func(*directory.Connection)) *tenant {
	t.Helper()
	secret, _ := signingkey.NewSecret()
	c := directory.Connection{
		ID: "con_acme", Issuer: provider, ClientID: "tabard", Enabled: true, FromFile: true, Revalidation: directory.Revalidation{Revalidate: 300},
		SealedSecret: secret.Sealer(signingkey.ForConnections).Seal([]byte("hush"), "con_acme"),
	}
	if change != nil {
		change(&c)
	}
	d := app("http://127.0.0.1:1")
	d.Organizations = []directory.DesiredOrganization{{
		Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"},
		Connections:  []directory.DesiredConnection{{Connection: c}}, Domains: []string{"acme.example"},
	}}
	w := &tenant{t, secret, filepath.Join(t.TempDir(), "a.db"), provider}
	w.store(func(s *sqlstore.Store) {
		if _, err := s.Apply(t.Context(), d, now); err != nil {
			t.Fatal(err)
		}
	})
	return w
}

func (w *tenant) store(use func(*sqlstore.Store)) {
	w.Helper()
	s, err := sqlite.Open(w.Context(), w.path)
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	use(s)
}

func (w *tenant) examine(txt records) string {
	w.Helper()
	return examine(w.T, doctor.Config{
		PublicURL: "http://127.0.0.1:1/auth", Tenants: login.NewTransport(true), Secret: &w.secret, TXT: txt,
		Database: func(ctx context.Context) (*inspect.Database, error) { return sqlite.Inspect(ctx, w.path) },
	})
}

// records are TXT records by name.
type records map[string]string

func (r records) LookupTXT(_ context.Context, name string) ([]string, error) {
	if text, there := r[name]; there {
		return []string{text}, nil
	}
	return nil, &net.DNSError{Name: name, IsNotFound: true}
}

// TestExamine_Connections finds what a tenant's provider lacks.
func TestExamine_Connections(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(m map[string]any) { m[name] = value }
	}
	for name, test := range map[string]struct {
		f      faults
		change func(*directory.Connection)
		want   string
	}{
		"good":                      {faults{}, nil, "ok connections: con_acme: http://127.0.0.1:"},
		"another name":              {faults{metadata: set("issuer", "https://id.example.com")}, nil, `problem connections: con_acme: http://127.0.0.1`},
		"a client that is refused":  {faults{tokenError: "invalid_client"}, nil, "problem connections: con_acme: the provider refuses the client tabard"},
		"a redirect URI unknown":    {faults{noRedirect: true}, nil, "problem connections: con_acme: it refuses the redirect URI http://127.0.0.1:1/auth/callback/con_acme"},
		"PKCE by plain":             {faults{metadata: set("code_challenge_methods_supported", []string{"plain"})}, nil, "problem connections: con_acme: it supports PKCE only with plain"},
		"no keys":                   {faults{keySet: `{"keys":[]}`}, nil, "problem connections: con_acme: its key set"},
		"no refresh tokens":         {faults{metadata: set("grant_types_supported", []string{"authorization_code"})}, nil, "problem connections: con_acme: its metadata do not name refresh_token"},
		"no offline_access":         {faults{metadata: set("scopes_supported", []string{"openid", "email"})}, nil, "look connections: con_acme: its metadata do not name the scope offline_access"},
		"offline_access":            {faults{metadata: set("scopes_supported", []string{"openid", "offline_access"})}, nil, "ok connections: con_acme: "},
		"nobody is asked about":     {faults{metadata: set("scopes_supported", []string{"openid"})}, func(c *directory.Connection) { c.Revalidate = 0 }, "ok connections: con_acme: "},
		"no userinfo":               {faults{}, func(c *directory.Connection) { c.Provisioning.ClaimSource = directory.FromUserInfo }, "have no userinfo_endpoint"},
		"a secret of another time":  {faults{}, func(c *directory.Connection) { c.SealedSecret = "of another time" }, "problem connections: con_acme: its client secret cannot be opened"},
		"a key that is not there":   {faults{}, func(c *directory.Connection) { c.ClientAuth = directory.PrivateKeyJWT }, "problem connections: con_acme: it uses private_key_jwt"},
		"a clock that is ahead":     {faults{clock: 61}, nil, "problem clock: connection con_acme: the provider's clock is 61 s ahead"},
		"a provider that is gone":   {faults{}, func(c *directory.Connection) { c.Issuer = "http://127.0.0.1:1" }, "problem connections: con_acme: the metadata of http://127.0.0.1:1 cannot be read"},
		"a connection not enabled":  {faults{}, func(c *directory.Connection) { c.Enabled, c.Issuer = false, "http://127.0.0.1:1" }, "look domains: acme.example"},
		"a claim in userinfo there": {faults{metadata: set("userinfo_endpoint", "http://127.0.0.1/u")}, func(c *directory.Connection) { c.Provisioning.ClaimSource = directory.FromUserInfo }, "ok connections: con_acme: "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSite(t, test.f)
			if got := newTenant(t, w.provider.URL, test.change).examine(records{}); !strings.Contains(got, test.want) {
				t.Errorf("%q is not among\n%s", test.want, got)
			}
		})
	}
}

// TestExamine_RefreshTokensNotGiven: sign-ins of the last day without a refresh token show
// that a provider gives none.
func TestExamine_RefreshTokensNotGiven(t *testing.T) {
	const finding = "con_acme: it gave no refresh token at any of the last day's sign-ins (live sessions: 1)"
	w := newTenant(t, newSite(t, faults{}).provider.URL, nil)
	if got := w.examine(nil); strings.Contains(got, "it gave no refresh token") {
		t.Errorf("before a sign-in:\n%s", got)
	}
	began := session.Session{ID: session.NewID(), UserID: "usr_1", App: "app", SignIn: policy.Authentication{Connection: "con_acme"}, ConfinedTo: "org_acme", CreatedAt: now - 60, ExpiresAt: now + 3600}
	w.store(func(s *sqlstore.Store) {
		if _, err := s.EnsureUser(w.Context(), directory.User{ID: "usr_1", Issuer: "con_acme", Subject: "ann"}, now); err != nil {
			t.Fatal(err)
		}
		if err := s.Create(w.Context(), began); err != nil {
			t.Fatal(err)
		}
	})
	if got := w.examine(nil); !strings.Contains(got, finding) {
		t.Errorf("%q is not among\n%s", finding, got)
	}
	w.store(func(s *sqlstore.Store) {
		if err := s.KeepProviderToken(w.Context(), session.ProviderToken{Session: began.ID, Connection: "con_acme", Sealed: "x", AnsweredAt: now, DueAt: now + 300}); err != nil {
			t.Fatal(err)
		}
	})
	if got := w.examine(nil); strings.Contains(got, "it gave no refresh token") {
		t.Errorf("with a token:\n%s", got)
	}
}

// TestExamine_Domains looks up what verifies domains, and changes nothing.
func TestExamine_Domains(t *testing.T) {
	w := newTenant(t, newSite(t, faults{}).provider.URL, nil)
	var d directory.Domain
	read := func() {
		w.store(func(s *sqlstore.Store) {
			var err error
			if d, err = s.Domain(t.Context(), "org_acme", "acme.example"); err != nil {
				t.Fatal(err)
			}
		})
	}
	read()
	there := records{"_tabard.acme.example.": "tabard-domain-verification=" + d.Token}
	expect := func(txt records, want string) {
		t.Helper()
		before := d
		if got := w.examine(txt); !strings.Contains(got, want) {
			t.Errorf("%q is not among\n%s", want, got)
		}
		if read(); d != before {
			t.Errorf("the domain became %+v", d)
		}
	}
	expect(records{}, "look domains: acme.example: it is not verified")
	expect(there, "look domains: acme.example: its record is in DNS, and it is not verified yet")
	w.store(func(s *sqlstore.Store) {
		if ok, err := s.VerifyDomain(t.Context(), d, now); !ok || err != nil {
			t.Fatal(ok, err)
		}
	})
	read()
	expect(there, "ok domains: acme.example: its record is in DNS")
	expect(records{}, "problem domains: acme.example: the record that verified it is gone")
	w.store(func(s *sqlstore.Store) {
		if err := s.DisableConnection(t.Context(), "org_acme", "con_acme"); err != nil {
			t.Fatal(err)
		}
	})
	expect(there, "warning domains: acme.example: it is verified, but its organization has no enabled connection")
}

// slow is providers that do not answer for a second.
type slow struct {
	mu            sync.Mutex
	waiting, most int
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.waiting++
	s.most = max(s.most, s.waiting)
	s.mu.Unlock()
	<-time.After(time.Second)
	s.mu.Lock()
	s.waiting--
	s.mu.Unlock()
	return nil, errors.New("away: " + r.URL.Host)
}

// TestExamine_ConnectionsSideBySide: of twenty providers that do not answer eight are
// awaited at a time. They are reported in their order.
func TestExamine_ConnectionsSideBySide(t *testing.T) {
	w := newTenant(t, "http://127.0.0.1:1", nil)
	d := app("http://127.0.0.1:1")
	var want []string
	for i := range 20 {
		slug := fmt.Sprintf("org%02d", i)
		d.Organizations = append(d.Organizations, directory.DesiredOrganization{
			Organization: directory.Organization{ID: "org_" + slug, Slug: slug, Name: slug},
			Connections: []directory.DesiredConnection{{Connection: directory.Connection{
				ID: "con_" + slug, Issuer: "https://" + slug + ".example", ClientID: "tabard", Enabled: true, FromFile: true, SealedSecret: "x",
			}}},
		})
		want = append(want, "con_"+slug+": the metadata of https://"+slug+".example cannot be read")
	}
	w.store(func(s *sqlstore.Store) {
		if _, err := s.Apply(t.Context(), d, now); err != nil {
			t.Fatal(err)
		}
	})
	providers, got := &slow{}, ""
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got = examine(t, doctor.Config{
			Tenants: providers, Secret: &w.secret,
			Database: func(ctx context.Context) (*inspect.Database, error) { return sqlite.Inspect(ctx, w.path) },
		})
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	for _, text := range want {
		_, after, found := strings.Cut(got, text)
		if !found {
			t.Fatalf("%q does not follow in\n%s", text, got)
		}
		got = after
	}
	if providers.most != 8 {
		t.Errorf("%d requests at once", providers.most)
	}
}
