package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// settings are a command's flags and environment, as text.
type settings struct {
	listen           string
	publicURL        string
	database         string
	secretFile       string
	signingAlgorithm string
	signingKeyLife   string
	auditRetention   string
	oidcIssuer       string
	oidcClientID     string
	oidcClientSecret string
	oidc             providerSettings
	oidcScopes       string
	oidcSecretFile   string
	stopDelay        string
	logFormat        string
	logLevel         string
	trustedProxies   string
	metricsFrom      string
	rateLimits       string
	cookieMark       string

	loopbackConnections bool
	untypedLogoutTokens bool
	frontchannelLogout  bool

	// tells says which database the command uses, once it is open.
	tells  bool
	flags  *pflag.FlagSet // the command's settings of those above
	stderr io.Writer      // the command's
}

// environmentHelp ends the help of every command that has settings.
const environmentHelp = `

Every setting can be given in the environment instead: --database is TABARD_DATABASE.
A flag takes precedence.`

// addDatabase adds the setting of the database to a command.
func (s *settings) addDatabase(c *cobra.Command) {
	s.flags = pflag.NewFlagSet("", pflag.ContinueOnError)
	s.databaseFlags()
	s.addFlags(c)
}

// addSealing adds the settings of the database and of the secret, which seals and
// hashes values in it, and further ones.
func (s *settings) addSealing(c *cobra.Command, further ...*pflag.FlagSet) {
	s.flags = pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, flags := range further {
		s.flags.AddFlagSet(flags)
	}
	s.databaseFlags()
	s.secretFlag()
	s.addFlags(c)
	c.MarkFlagFilename("secret-file")
}

// addKeys adds the settings that making signing keys needs.
func (s *settings) addKeys(c *cobra.Command) {
	s.flags = pflag.NewFlagSet("", pflag.ContinueOnError)
	s.databaseFlags()
	s.secretFlag()
	s.algorithmFlag()
	s.addFlags(c)
	s.completeKeys(c)
}

func (s *settings) completeKeys(c *cobra.Command) {
	c.RegisterFlagCompletionFunc("signing-algorithm", cobra.FixedCompletions(
		[]string{string(signingkey.ES256), string(signingkey.EdDSA), string(signingkey.RS256)}, cobra.ShellCompDirectiveNoFileComp))
	c.MarkFlagFilename("secret-file")
}

// addServer adds all settings of a server to a command.
func (s *settings) addServer(c *cobra.Command) {
	s.flags = allSettingsOf(s)
	s.addFlags(c)
	complete := func(flag string, values ...string) {
		c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	s.completeKeys(c)
	complete("oidc-response-mode", "query", "form_post")
	c.MarkFlagFilename("oidc-client-key-file")
	c.MarkFlagFilename("oidc-client-secret-file")
	complete("log-format", "json", "text")
	complete("log-level", "debug", "info", "warn", "error")
	for _, free := range []string{"listen", "public-url", "oidc-issuer", "oidc-client-id", "oidc-client-secret", "oidc-scopes", "oidc-tenants", "oidc-internal-url", "trusted-proxies", "metrics-from", "rate-limits", "cookie-mark", "signing-key-life", "audit-retention", "stop-delay"} {
		complete(free)
	}
}

// addFlags adds the settings to the command, which reads the environment before it
// runs.
func (s *settings) addFlags(c *cobra.Command) {
	c.Long += environmentHelp
	c.Flags().SortFlags = false
	c.Flags().AddFlagSet(s.flags)
	c.RegisterFlagCompletionFunc("database", cobra.FixedCompletions(
		[]string{"sqlite:", "postgres://"}, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		s.stderr = c.ErrOrStderr()
		return readEnvironment(s.flags, os.Environ())
	}
}

// allSettings returns all settings of a server.
func allSettings() *pflag.FlagSet { return allSettingsOf(new(settings)) }

func allSettingsOf(s *settings) *pflag.FlagSet {
	s.flags = pflag.NewFlagSet("", pflag.ContinueOnError)
	s.flags.SortFlags = false
	text := s.flags.StringVar
	text(&s.publicURL, "public-url", "", "public `URL` of the backend: its address in browsers, and the issuer of its tokens")
	text(&s.listen, "listen", "127.0.0.1:8787", "listen on `HOST:PORT`")
	s.databaseFlags()
	s.secretFlag()
	text(&s.oidcIssuer, "oidc-issuer", "", "issuer `URL` of the OpenID provider, exactly as in its metadata")
	text(&s.oidcClientID, "oidc-client-id", "", "OIDC client `ID`")
	text(&s.oidcClientSecret, "oidc-client-secret", "", "OIDC client `SECRET`; safer in the environment, which ps does not show")
	text(&s.oidcSecretFile, "oidc-client-secret-file", "", "read the OIDC client secret from `FILE`, and again on SIGHUP")
	text(&s.oidcScopes, "oidc-scopes", "profile email", "OIDC `SCOPES` to request besides openid, separated by spaces")
	s.flags.BoolVar(&s.untypedLogoutTokens, "oidc-untyped-logout-tokens", false, "also accept logout tokens whose typ is missing or JWT")
	s.flags.BoolVar(&s.frontchannelLogout, "oidc-frontchannel-logout", false, "let the provider end sessions through a frame in the browser (front-channel logout)")
	s.providerFlags()
	s.algorithmFlag()
	text(&s.signingKeyLife, "signing-key-life", "90d", "replace the signing key after `TIME`, such as 90d; 0: by command only")
	text(&s.auditRetention, "audit-retention", "365d", "delete audit events after `TIME`, such as 365d, once every named export has written them; 0: never")
	text(&s.trustedProxies, "trusted-proxies", "", "trust X-Forwarded-For (or Forwarded) from `NETWORKS`, such as 10.0.0.0/8")
	text(&s.rateLimits, "rate-limits", "1200,120,300", "limits a minute, as `NUMBERS`: failed requests of a network, sign-ins of a network, requests of a session; 0: none")
	text(&s.metricsFrom, "metrics-from", "", "also answer /metrics to `NETWORKS`, such as 10.0.0.0/8; this machine is always answered")
	text(&s.cookieMark, "cookie-mark", "", "put `MARK`, such as PROD, into the cookies' names; derived from --public-url if not set")
	text(&s.stopDelay, "stop-delay", "", "after SIGTERM, keep serving for `TIME` while /readyz fails; default 5s, or 0 on loopback")
	s.flags.BoolVar(&s.loopbackConnections, "loopback-connections", false, "allow organizations' own providers on this machine, over http (development only)")
	text(&s.logFormat, "log-format", "json", "log `FORMAT` on standard error: json or text")
	text(&s.logLevel, "log-level", "info", "lowest log `LEVEL`: debug, info, warn or error")
	return s.flags
}

func (s *settings) databaseFlags() {
	s.flags.StringVar(&s.database, "database", "sqlite:tabard.db", "database `ADDRESS`: sqlite:FILE or postgres://…")
}

func (s *settings) secretFlag() {
	s.flags.StringVar(&s.secretFile, "secret-file", "", "`FILE` with the workspace's secret; on loopback one is created beside the SQLite file")
}

func (s *settings) algorithmFlag() {
	s.flags.StringVar(&s.signingAlgorithm, "signing-algorithm", "ES256", "signing algorithm `NAME` of access tokens: ES256, EdDSA or RS256")
}

// open opens the store of --database and handles its schema as opening says.
func (s *settings) open(ctx context.Context, opening migrate.Opening) (store *sqlstore.Store, err error) {
	if hint := checkDatabase(s.database); hint != "" {
		return nil, s.wrong("database", hint).error()
	}
	if opening.Log == nil {
		opening.Log = slog.New(console{s.stderr, slog.LevelWarn})
	}
	if path, ok := strings.CutPrefix(s.database, sqlitePrefix); ok {
		store, err = sqlite.OpenAs(ctx, path, opening)
	} else {
		store, err = postgres.OpenAs(ctx, s.database, opening)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source(s.flags.Lookup("database")), err)
	}
	if s.tells {
		s.tellDatabase()
	}
	return store, nil
}

// tellDatabase says which database is used, beside the command's output: settings may come
// from an environment that nobody looked at.
func (s *settings) tellDatabase() { fmt.Fprintln(s.stderr, "Database: "+s.describeDatabase()) }

// postgresName begins the description of a PostgreSQL database.
const postgresName = "PostgreSQL, "

func (s *settings) describeDatabase() string {
	path, embedded := strings.CutPrefix(s.database, sqlitePrefix)
	if !embedded {
		return postgresName + postgres.Describe(s.database)
	}
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return "SQLite, " + path
}

// openOrMake opens the store for commands that may be the first to use a database. It
// creates missing tables, and leaves those of an older release as they are.
func (s *settings) openOrMake(ctx context.Context) (*sqlstore.Store, error) {
	return s.open(ctx, migrate.Opening{Schema: migrate.AsItIsOrNew, Alone: true})
}

// openExisting opens the store for commands that need an existing database. It creates
// no file, in case the name is misspelled, and changes no schema.
func (s *settings) openExisting(ctx context.Context) (*sqlstore.Store, error) {
	if path, ok := strings.CutPrefix(s.database, sqlitePrefix); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no database %s; tabard apply creates one", source(s.flags.Lookup("database")), path)
		}
	}
	return s.open(ctx, migrate.Opening{Schema: migrate.AsItIs})
}

// inspect opens the database of --database without changing it.
func (s *settings) inspect(ctx context.Context) (*inspect.Database, error) {
	if path, ok := strings.CutPrefix(s.database, sqlitePrefix); ok {
		return sqlite.Inspect(ctx, path)
	}
	return postgres.Inspect(ctx, s.database)
}

// logger returns the log according to the settings.
func (s *settings) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	level.UnmarshalText([]byte(s.logLevel)) // checked
	options := &slog.HandlerOptions{Level: level}
	if s.logFormat == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// warnings returns problems that do not prevent a start.
func (s *settings) warnings() []string {
	return append(unknownVariables(os.Environ()), readableFiles(s)...)
}

// warn prints the warnings.
func (s *settings) warn(c *cobra.Command) {
	for _, w := range s.warnings() {
		fmt.Fprintln(c.ErrOrStderr(), "tabard: warning: "+w)
	}
}
