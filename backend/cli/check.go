package cli

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// wrongSetting is an invalid setting.
type wrongSetting struct {
	flag string
	what string // the setting's source and value
	hint string // a valid value
}

// wrongSettings is the error with all invalid settings.
type wrongSettings []wrongSetting

func (w wrongSettings) Error() string {
	text := "a setting is invalid\n"
	if len(w) > 1 {
		text = fmt.Sprintf("%d settings are invalid\n", len(w))
	}
	for _, s := range w {
		text += fmt.Sprintf("\n  %s\n      %s\n", s.what, strings.ReplaceAll(s.hint, "\n", "\n      "))
	}
	return strings.TrimSuffix(text, "\n")
}

// error returns the error for this setting alone.
func (w *wrongSetting) error() error { return wrongSettings{*w} }

func (w wrongSettings) has(flag string) bool {
	return slices.ContainsFunc(w, func(s wrongSetting) bool { return s.flag == flag })
}

func (s *settings) wrong(flag, hint string) *wrongSetting {
	f := s.flags.Lookup(flag)
	what := fmt.Sprintf("%s is %s", source(f), quoteSetting(flag, f.Value.String()))
	if f.Value.String() == "" {
		what = fmt.Sprintf("--%s (or %s) is missing", flag, variable(flag))
	}
	return &wrongSetting{flag, what, hint}
}

// addressForm matches the part of a database's address that may be shown: its scheme,
// or its first keyword.
var addressForm = regexp.MustCompile(`^[A-Za-z]+ ?[:=]`)

// quoteSetting quotes a value. Of an address that may contain a password it shows only
// the beginning.
func quoteSetting(flag, value string) string {
	if (flag == "database" || flag == "to") && !strings.HasPrefix(value, sqlitePrefix) {
		value = addressForm.FindString(value) + "…"
	}
	return strconv.Quote(value)
}

// check returns all invalid settings of a server.
func (s *settings) check() wrongSettings {
	var all wrongSettings
	for _, c := range []struct{ flag, hint string }{
		{"public-url", checkPublicURL(s.publicURL)},
		{"listen", checkListen(s.listen)},
		{"database", checkDatabase(s.database)},
		{"secret-file", checkSecretFile(s)},
		{"oidc-issuer", checkIssuer(s.oidcIssuer)},
		{"oidc-client-id", hintUnless(s.oidcClientID != "", "Register a confidential web client at the provider, which issues the id.")},
		{"oidc-client-secret", hintUnless(s.oidcSecretFile != "" || s.oidcClientSecret != "" || s.oidc.clientKeyFile != "", "The provider issues it with the client id. ps does not show it in the\nenvironment. A key works as well: --oidc-client-key-file")},
		{"oidc-client-secret-file", checkClientSecretFile(s.oidcSecretFile, s.oidcClientSecret)},
		{"oidc-scopes", hintUnless(directory.ValidScopes(strings.Fields(s.oidcScopes)), "Pass scopes separated by spaces, such as \"profile email groups\".")},
		{"oidc-client-key-file", checkClientKey(s)},
		{"oidc-assertion-audience", hintUnless(slices.Contains([]string{"", "issuer", directory.TokenEndpoint}, s.oidc.audience), "Pass issuer or token_endpoint.")},
		{"oidc-apple-client", checkAppleClient(s)},
		{"oidc-response-mode", hintUnless(login.IsResponseMode(s.oidc.responseMode), "Pass query or form_post.")},
		{"oidc-tenants", checkTenants(s)},
		{"oidc-internal-url", checkInternalURL(s.oidc.internalURL)},
		{"loopback-connections", hintUnless(!s.loopbackConnections || !s.exposed(), "This is for development only: --public-url and --listen must be on this\nmachine.")},
		{"signing-algorithm", checkAlgorithm(s.signingAlgorithm)},
		{"signing-key-life", checkKeyLife(s.signingKeyLife)},
		{"audit-retention", checkAuditRetention(s.auditRetention)},
		{"trusted-proxies", checkNetworks(s.trustedProxies)},
		{"rate-limits", checkRateLimits(s.rateLimits)},
		{"metrics-from", checkNetworks(s.metricsFrom)},
		{"cookie-mark", checkCookieMark(s.cookieMark, s.publicURL)},
		{"stop-delay", checkStopDelay(s.stopDelay)},
		{"log-format", hintUnless(s.logFormat == "json" || s.logFormat == "text", "Pass json or text.")},
		{"log-level", checkLogLevel(s.logLevel)},
	} {
		if c.hint != "" {
			all = append(all, *s.wrong(c.flag, c.hint))
		}
	}
	return all
}

// hintUnless returns the hint unless the value is valid. The check functions below
// return "" for a valid value, a hint otherwise.
func hintUnless(isRight bool, hint string) string {
	if isRight {
		return ""
	}
	return hint
}

func checkPublicURL(address string) string {
	if address == "" {
		return "Pass the backend's address as browsers see it, such as\nhttps://app.example.com/auth"
	}
	_, err := publicurl.Parse(address)
	return hintUnless(err == nil, "Pass an https address without a query, such as\nhttps://app.example.com/auth. http works on localhost only: elsewhere browsers\nreject the cookies.")
}

func checkListen(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return hintUnless(err == nil, "Pass HOST:PORT, such as 127.0.0.1:8787 or [::1]:8787, or :8787 for all\naddresses.")
}

const sqlitePrefix = "sqlite:"

func checkDatabase(address string) string {
	path, embedded := strings.CutPrefix(address, sqlitePrefix)
	return hintUnless(embedded && path != "" || strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://"),
		"Pass sqlite:FILE, such as sqlite:/var/lib/tabard/tabard.db, or\npostgres://USER:PASSWORD@HOST/DATABASE")
}

func checkAuditRetention(time string) string {
	_, err := host.ParseRetention(time)
	return hintUnless(err == nil, "Pass a day or more, such as 365d or 8760h, or 0, which keeps the audit\nlog forever.")
}

func checkNetworks(networks string) string {
	_, err := parseProxies(networks)
	return hintUnless(err == nil, "Pass addresses and networks, separated by commas, such as\n127.0.0.1,10.0.0.0/8")
}

func checkIssuer(issuer string) string {
	if issuer == "" {
		return "Pass the issuer of your OpenID provider, such as https://id.example.com"
	}
	u, err := url.Parse(issuer)
	return hintUnless(err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		(u.Scheme == "https" || u.Scheme == "http" && directory.Loopback(u.Hostname())),
		"Pass an https address without a query, exactly as in the provider's\nmetadata (http on localhost only).")
}

func checkAlgorithm(name string) string {
	_, err := signingkey.ParseAlgorithm(name)
	return hintUnless(err == nil, "Pass ES256, EdDSA or RS256.")
}

func checkKeyLife(time string) string {
	_, err := signingkey.ParseLife(time)
	return hintUnless(err == nil, "Pass a time from 1d to 400d, such as 90d, or 0 to make new keys only by\n`tabard signing-keys rotate`.")
}

func checkCookieMark(mark, public string) string {
	_, err := publicurl.ParseCookieMark(mark, public)
	return hintUnless(err == nil, "Pass one to eight of A-Z and 0-9, a letter first. A change signs every person\nout.")
}

func checkLogLevel(name string) string {
	err := new(slog.Level).UnmarshalText([]byte(name))
	return hintUnless(err == nil, "Pass debug, info, warn or error.")
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func checkRateLimits(text string) (right string) {
	if _, err := parseLimits(text); err != nil {
		return "use 0, or three numbers such as 1200,120,300: " + err.Error()
	}
	return ""
}
