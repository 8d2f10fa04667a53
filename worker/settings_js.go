package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/domain/overhttps"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/worker/edge"
)

// defaultResolver answers DNS over HTTPS.
const defaultResolver = "https://cloudflare-dns.com/dns-query"

// defaultRetention is how long the trail is kept: a D1 database holds 10 GB.
const defaultRetention = host.Retention(90 * 24 * time.Hour)

// settings are the Worker's variables and secrets.
type settings struct {
	publicURL           string
	secret              signingkey.Secret
	algorithm           signingkey.Algorithm
	keyLife             time.Duration
	retention           host.Retention
	provider            login.Config
	resolver            overhttps.Resolver
	cookieMark          string
	loopbackConnections bool // for development
}

// readSettings reads the variables that the server has flags of the same names
// for, and names all that are missing or wrong.
func readSettings(variable func(string) string) (settings, error) {
	var problems []error
	required := func(name string) string {
		value := variable(name)
		if value == "" {
			problems = append(problems, fmt.Errorf("%s is missing", name))
		}
		return value
	}
	s := settings{
		publicURL: required("TABARD_PUBLIC_URL"),
		provider: login.Config{
			Issuer: required("TABARD_OIDC_ISSUER"), ClientID: required("TABARD_OIDC_CLIENT_ID"),
			ClientSecret: variable("TABARD_OIDC_CLIENT_SECRET"), Transport: edge.Transport{},
		},
	}
	problems = append(problems, readProvider(variable, &s.provider)...)
	s.algorithm, s.keyLife, s.retention = signingkey.ES256, signingkey.DefaultLife, defaultRetention
	s.resolver = overhttps.Resolver{URL: cmp.Or(variable("TABARD_DNS_OVER_HTTPS"), defaultResolver), Transport: edge.Transport{}}
	if err := overhttps.CheckURL(s.resolver.URL); err != nil {
		problems = append(problems, fmt.Errorf("TABARD_DNS_OVER_HTTPS: %w", err))
	}
	s.cookieMark = variable("TABARD_COOKIE_MARK")
	s.loopbackConnections = variable("TABARD_LOOPBACK_CONNECTIONS") == "true"
	var err error
	if text := required("TABARD_SECRET"); text != "" {
		if s.secret, err = signingkey.ParseSecret(text); err != nil {
			problems = append(problems, fmt.Errorf("TABARD_SECRET: %w", err))
		}
	}
	if name := variable("TABARD_SIGNING_ALGORITHM"); name != "" {
		if s.algorithm, err = signingkey.ParseAlgorithm(name); err != nil {
			problems = append(problems, fmt.Errorf("TABARD_SIGNING_ALGORITHM: %w", err))
		}
	}
	if text := variable("TABARD_SIGNING_KEY_LIFE"); text != "" {
		if s.keyLife, err = signingkey.ParseLife(text); err != nil {
			problems = append(problems, fmt.Errorf("TABARD_SIGNING_KEY_LIFE: %w", err))
		}
	}
	if text := variable("TABARD_AUDIT_RETENTION"); text != "" {
		if s.retention, err = host.ParseRetention(text); err != nil {
			problems = append(problems, fmt.Errorf("TABARD_AUDIT_RETENTION: %w", err))
		}
	}
	if text := variable("TABARD_D1_BYTES"); text != "" { // which room.mjs reads
		if n, err := strconv.ParseUint(text, 10, 64); err != nil || n == 0 {
			problems = append(problems, fmt.Errorf("TABARD_D1_BYTES: %q is not a number of bytes, such as 500000000", text))
		}
	}
	return s, errors.Join(problems...)
}
