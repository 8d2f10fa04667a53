package cli

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
)

// provider returns the OpenID provider that the settings name.
func (s *settings) provider() (login.Config, error) {
	c := login.Config{Issuer: s.oidcIssuer, ClientID: s.oidcClientID, ClientSecret: s.oidcClientSecret}
	if s.oidcSecretFile == "" {
		return c, nil
	}
	var err error
	c.ClientSecret, err = readClientSecret(s.oidcSecretFile)
	return c, err
}

// readClientSecret reads a client secret, whose file may end with a line break.
func readClientSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", reason(err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" || strings.ContainsAny(secret, "\r\n") {
		return "", errors.New("it has to hold the client secret on one line")
	}
	return secret, nil
}

func (s *settings) checkClientSecret() *wrongSetting {
	switch {
	case s.oidcSecretFile == "" && s.oidcClientSecret == "":
		return s.wrong("oidc-client-secret", "The provider gives it with the client id. In the environment ps does\nnot show it; --oidc-client-secret-file reads it from a file.")
	case s.oidcSecretFile != "" && s.oidcClientSecret != "":
		return s.wrong("oidc-client-secret-file", "--oidc-client-secret is given too: give one of them.")
	case s.oidcSecretFile != "":
		if _, err := readClientSecret(s.oidcSecretFile); err != nil {
			return s.wrong("oidc-client-secret-file", "It cannot be used: "+err.Error()+".")
		}
	}
	return nil
}

func (s *settings) checkStopDelay() *wrongSetting {
	if d, err := time.ParseDuration(s.stopDelay); s.stopDelay != "" && (err != nil || d < 0 || d > maxStopDelay) {
		return s.wrong("stop-delay", "It has to be a time of 5m at most, such as 5s, or 0.")
	}
	return nil
}

// delay returns how long the server serves on after it was told to stop.
func (s *settings) delay() time.Duration {
	if d, err := time.ParseDuration(s.stopDelay); err == nil {
		return d
	}
	if s.exposed() {
		return stopDelay
	}
	return 0
}
