package cli

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
)

// currentProvider returns the OpenID provider, with the client secret as its file has it now.
func (s *settings) currentProvider() (login.Config, error) {
	c := s.provider
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

// checkClientSecretFile returns what would be right, where the file is not, or a secret is
// given too.
func checkClientSecretFile(path, secret string) string {
	switch {
	case path == "":
		return ""
	case secret != "":
		return "--oidc-client-secret is given too: give one of them."
	}
	if _, err := readClientSecret(path); err != nil {
		return "It cannot be used: " + err.Error() + "."
	}
	return ""
}

func checkStopDelay(delay string) string {
	d, err := time.ParseDuration(delay)
	return unless(delay == "" || err == nil && d >= 0 && d <= maxStopDelay, "It has to be a time of 5m at most, such as 5s, or 0.")
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
