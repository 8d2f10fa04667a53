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
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// wrongSetting is a setting that is not as it has to be.
type wrongSetting struct {
	flag  string
	what  string // where it came from, and what is wrong with it
	right string // what would be right
}

// wrongSettings is the error that tells all of them at once.
type wrongSettings []wrongSetting

func (w wrongSettings) Error() string {
	text := "a setting is wrong; nothing was started\n"
	if len(w) > 1 {
		text = fmt.Sprintf("%d settings are wrong; nothing was started\n", len(w))
	}
	for _, s := range w {
		text += fmt.Sprintf("\n  %s\n      %s\n", s.what, strings.ReplaceAll(s.right, "\n", "\n      "))
	}
	return strings.TrimSuffix(text, "\n")
}

// error is the error of this one.
func (w *wrongSetting) error() error { return wrongSettings{*w} }

func (w wrongSettings) has(flag string) bool {
	return slices.ContainsFunc(w, func(s wrongSetting) bool { return s.flag == flag })
}

func (s *settings) wrong(flag, right string) *wrongSetting {
	f := s.flags.Lookup(flag)
	what := fmt.Sprintf("%s is %s", source(f), shown(flag, f.Value.String()))
	if f.Value.String() == "" {
		what = fmt.Sprintf("--%s (or %s) is missing", flag, variable(flag))
	}
	return &wrongSetting{flag, what, right}
}

// addressForm matches what is shown of a database's address: its scheme, or its first
// keyword.
var addressForm = regexp.MustCompile(`^[A-Za-z]+ ?[:=]`)

// shown quotes a value, and of an address that may hold a password, in whatever form,
// only how it begins.
func shown(flag, value string) string {
	if flag == "database" && !strings.HasPrefix(value, sqlitePrefix) {
		value = addressForm.FindString(value) + "…"
	}
	return strconv.Quote(value)
}

// check returns every setting of a server that is wrong.
func (s *settings) check() wrongSettings {
	var all wrongSettings
	for _, check := range []func() *wrongSetting{
		s.checkPublicURL, s.checkListen, s.checkDatabase, s.checkSecretFile,
		s.checkIssuer, s.checkClientID, s.checkClientSecret,
		s.checkLoopbackConnections, s.checkAlgorithm, s.checkKeyLife, s.checkAuditRetention, s.checkTrustedProxies, s.checkMetricsFrom, s.checkStopDelay,
		s.checkLogFormat, s.checkLogLevel,
	} {
		if wrong := check(); wrong != nil {
			all = append(all, *wrong)
		}
	}
	return all
}

func (s *settings) checkPublicURL() *wrongSetting {
	if s.publicURL == "" {
		return s.wrong("public-url", "It is the backend's address as browsers see it, such as\nhttps://app.example.com/auth")
	}
	if _, err := publicurl.Parse(s.publicURL); err != nil {
		return s.wrong("public-url", "It has to be an https address, such as https://app.example.com/auth,\nwithout query; http only on localhost, for browsers drop its cookies.")
	}
	return nil
}

func (s *settings) checkListen() *wrongSetting {
	_, port, err := net.SplitHostPort(s.listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return s.wrong("listen", "It has to be HOST:PORT, such as 127.0.0.1:8787, or :8787 for all\naddresses.")
	}
	return nil
}

const sqlitePrefix = "sqlite:"

func (s *settings) checkDatabase() *wrongSetting {
	path, embedded := strings.CutPrefix(s.database, sqlitePrefix)
	switch {
	case embedded && path != "":
		return nil
	case strings.HasPrefix(s.database, "postgres://"), strings.HasPrefix(s.database, "postgresql://"):
		return nil
	}
	return s.wrong("database", "It has to be sqlite:FILE, such as sqlite:/var/lib/tabard/tabard.db, or\npostgres://USER:PASSWORD@HOST/DATABASE")
}

func (s *settings) checkAuditRetention() *wrongSetting {
	if _, err := host.ParseRetention(s.auditRetention); err != nil {
		return s.wrong("audit-retention", "It has to be a day or more, such as 365d or 8760h, or 0, which keeps the\ntrail for ever.")
	}
	return nil
}

func (s *settings) checkTrustedProxies() *wrongSetting {
	return s.checkNetworks("trusted-proxies", s.trustedProxies)
}

func (s *settings) checkMetricsFrom() *wrongSetting {
	return s.checkNetworks("metrics-from", s.metricsFrom)
}

func (s *settings) checkNetworks(flag, value string) *wrongSetting {
	if _, err := parseProxies(value); err != nil {
		return s.wrong(flag, "It has to be addresses and networks, separated by commas, such as\n127.0.0.1,10.0.0.0/8")
	}
	return nil
}

func (s *settings) checkIssuer() *wrongSetting {
	if s.oidcIssuer == "" {
		return s.wrong("oidc-issuer", "It is the issuer of your OpenID provider, such as https://id.example.com")
	}
	u, err := url.Parse(s.oidcIssuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !directory.Loopback(u.Hostname())) {
		return s.wrong("oidc-issuer", "It has to be an https address without query, exactly as the provider's\nmetadata name it (http only on localhost).")
	}
	return nil
}

func (s *settings) checkClientID() *wrongSetting {
	if s.oidcClientID == "" {
		return s.wrong("oidc-client-id", "Register a confidential web client at the provider; it gives the id.")
	}
	return nil
}

func (s *settings) checkLoopbackConnections() *wrongSetting {
	if s.loopbackConnections && s.exposed() {
		return s.wrong("loopback-connections", "It is for development: the public URL and --listen have to be on this\nmachine.")
	}
	return nil
}

func (s *settings) checkAlgorithm() *wrongSetting {
	if _, err := signingkey.ParseAlgorithm(s.signingAlgorithm); err != nil {
		return s.wrong("signing-algorithm", "It has to be ES256, EdDSA or RS256.")
	}
	return nil
}

func (s *settings) checkKeyLife() *wrongSetting {
	if _, err := signingkey.ParseLife(s.signingKeyLife); err != nil {
		return s.wrong("signing-key-life", "It has to be a time between 1d and 400d, such as 90d, or 0 where only\n`tabard signing-keys rotate` makes new keys.")
	}
	return nil
}

func (s *settings) checkLogFormat() *wrongSetting {
	if s.logFormat != "json" && s.logFormat != "text" {
		return s.wrong("log-format", "It has to be json or text.")
	}
	return nil
}

func (s *settings) checkLogLevel() *wrongSetting {
	var level slog.Level
	if level.UnmarshalText([]byte(s.logLevel)) != nil {
		return s.wrong("log-level", "It has to be debug, info, warn or error.")
	}
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
