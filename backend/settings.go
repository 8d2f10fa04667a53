package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tabard-auth/tabard/backend/httpapi"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// fromEnvironment gives every flag that the command line left out the value of its
// TABARD_ variable, where there is one.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var problems []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "TABARD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if f.Changed || !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	})
	return errors.Join(problems...)
}

// settings are what the flags of a command say, as text.
type settings struct {
	listen           string
	publicURL        string
	database         string
	secretFile       string
	signingAlgorithm string
	oidcIssuer       string
	oidcClientID     string
	oidcClientSecret string
}

func (s *settings) addDatabase(flags *pflag.FlagSet) {
	flags.StringVar(&s.database, "database", "sqlite:tabard.db", "sqlite:`FILE`, or a postgres://… address")
}

func (s *settings) addServer(flags *pflag.FlagSet) {
	s.addDatabase(flags)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8787", "`HOST:PORT` to listen on")
	flags.StringVar(&s.publicURL, "public-url", "", "the backend's `URL` as browsers see it, and the issuer of its tokens")
	flags.StringVar(&s.secretFile, "secret-file", "", "`FILE` with the workspace's secret; on loopback one is made beside the SQLite file")
	flags.StringVar(&s.signingAlgorithm, "signing-algorithm", "ES256", "`NAME` of the access tokens' algorithm: ES256, EdDSA or RS256")
	flags.StringVar(&s.oidcIssuer, "oidc-issuer", "", "`URL` of the OpenID provider, exactly its issuer")
	flags.StringVar(&s.oidcClientID, "oidc-client-id", "", "`ID` of this client at the provider")
	flags.StringVar(&s.oidcClientSecret, "oidc-client-secret", "", "`SECRET` of this client at the provider; better given in the environment")
}

// check names every setting of a server that is wrong, and what would be right.
func (s *settings) check() error {
	var problems []error
	wrong := func(flag, format string, args ...any) {
		problems = append(problems, fmt.Errorf("--%s: %w", flag, fmt.Errorf(format, args...)))
	}
	if _, _, err := net.SplitHostPort(s.listen); err != nil {
		wrong("listen", "%q is not of the form HOST:PORT, such as 127.0.0.1:8787", s.listen)
	}
	if s.publicURL == "" {
		wrong("public-url", "is missing; it is the address that browsers use, such as https://app.example.com/auth")
	} else if _, err := httpapi.ParsePublicURL(s.publicURL); err != nil {
		wrong("public-url", "%w", err)
	}
	if _, err := keys.ParseAlgorithm(s.signingAlgorithm); err != nil {
		wrong("signing-algorithm", "%w", err)
	}
	if s.oidcIssuer == "" {
		wrong("oidc-issuer", "is missing; it is the issuer of your OpenID provider, such as https://id.example.com")
	} else if u, err := url.Parse(s.oidcIssuer); err != nil || u.Host == "" || (u.Scheme != "https" && !onLoopback(u.Hostname())) {
		wrong("oidc-issuer", "%q is not an https address", s.oidcIssuer)
	}
	if s.oidcClientID == "" {
		wrong("oidc-client-id", "is missing; the provider gave it when this client was registered")
	}
	if s.oidcClientSecret == "" {
		wrong("oidc-client-secret", "is missing; the provider gave it when this client was registered (TABARD_OIDC_CLIENT_SECRET keeps it out of the process list)")
	}
	return errors.Join(problems...)
}

// open opens the store that --database names.
func (s *settings) open(ctx context.Context) (*sqlstore.Store, error) {
	if path, ok := strings.CutPrefix(s.database, "sqlite:"); ok && path != "" {
		return sqlite.Open(ctx, path)
	}
	if strings.HasPrefix(s.database, "postgres://") || strings.HasPrefix(s.database, "postgresql://") {
		return postgres.Open(ctx, s.database)
	}
	return nil, fmt.Errorf("--database: %q is neither sqlite:FILE nor postgres://…", s.database)
}

// secret reads the workspace's secret. Only a server that nobody else reaches may
// go without a file of its own: one is made for it beside its SQLite file.
func (s *settings) secret() (keys.Secret, error) {
	file := s.secretFile
	if file == "" {
		path, embedded := strings.CutPrefix(s.database, "sqlite:")
		if host, _, _ := net.SplitHostPort(s.listen); !embedded || !onLoopback(host) || !onLoopback(hostOf(s.publicURL)) {
			return keys.Secret{}, errors.New("--secret-file: is missing; a server that others reach needs a secret of its own: openssl rand -base64 32 > tabard.secret")
		}
		file = path + ".secret"
		if err := makeSecret(file); err != nil {
			return keys.Secret{}, fmt.Errorf("--secret-file: %w", err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return keys.Secret{}, fmt.Errorf("--secret-file: %w", err)
	}
	secret, err := keys.ParseSecret(string(text))
	if err != nil {
		return keys.Secret{}, fmt.Errorf("--secret-file: %s: %w", file, err)
	}
	return secret, nil
}

// makeSecret makes the file where there is none, readable by its owner alone.
func makeSecret(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, text := keys.NewSecret()
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func onLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
