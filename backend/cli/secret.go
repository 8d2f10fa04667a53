package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/owner"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// checkSecretFile returns a hint unless the secret file is valid, or may be created.
func checkSecretFile(s *settings) string {
	if s.secretFile == "" {
		return hintUnless(!s.reachable(), "A server that other machines reach, or that shares its database, needs a\nsecret file. Create one, and keep a copy apart from the database's:\n(umask 077; openssl rand -base64 32 > tabard.secret)")
	}
	if _, err := readSecret(s.secretFile); err != nil {
		return "The file cannot be used: " + owner.Unreadable(err, s.secretFile) + "."
	}
	return ""
}

// reachable reports whether the settings show that other machines reach the server or
// its database. Invalid settings are ignored.
func (s *settings) reachable() bool {
	return s.exposed() || checkDatabase(s.database) == "" && !strings.HasPrefix(s.database, sqlitePrefix)
}

// exposed reports whether the settings show that other machines reach the server.
func (s *settings) exposed() bool {
	host, _, _ := net.SplitHostPort(s.listen)
	return checkListen(s.listen) == "" && !directory.Loopback(host) ||
		checkPublicURL(s.publicURL) == "" && !directory.Loopback(hostOf(s.publicURL))
}

// secret reads the workspace's secret, given valid settings. It creates the file if the
// server may go without one.
func (s *settings) secret() (signingkey.Secret, error) {
	if s.secretFile == "" {
		if err := makeSecret(s.secretPath()); err != nil {
			return signingkey.Secret{}, fmt.Errorf("--secret-file: %w", err)
		}
	}
	secret, err := readSecret(s.secretPath())
	if err != nil {
		return signingkey.Secret{}, fmt.Errorf("--secret-file: %s: %w", s.secretPath(), err)
	}
	return secret, nil
}

// serverSecret returns the secret of the server that uses the database.
func (s *settings) serverSecret() (signingkey.Secret, error) {
	if _, err := serverSecretPath(s); err != nil {
		return signingkey.Secret{}, err
	}
	return s.secret()
}

// serverSecretPath returns the path of the server's secret, or an error if no setting
// names it.
func serverSecretPath(s *settings) (string, error) {
	path := s.secretPath()
	if path == "" {
		return "", s.wrong("secret-file", "Pass the server's secret file: its secret seals and hashes values in the\ndatabase.").error()
	}
	return path, nil
}

// secretPath returns the path of the secret's file. A server on loopback keeps its own
// beside the SQLite file. The address of another database is not a path and may contain
// a password: the result is "".
func (s *settings) secretPath() string {
	if s.secretFile != "" {
		return s.secretFile
	}
	if file, ok := strings.CutPrefix(s.database, sqlitePrefix); ok {
		return file + ".secret"
	}
	return ""
}

func readSecret(path string) (signingkey.Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return signingkey.Secret{}, withoutPath(err)
	}
	return signingkey.ParseSecret(string(text))
}

// withoutPath returns the cause of a path error, because the message names the path
// already.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// makeSecret creates the file if it does not exist, readable by its owner only.
func makeSecret(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, text := signingkey.NewSecret()
	_, err = f.WriteString(signingkey.EpochLine(signingkey.NewEpoch()) + "\n" + text + "\n")
	return errors.Join(err, owner.AsFolder(path), f.Sync(), f.Close())
}

// readableByOthers warns of a secret that every user of the machine can read.
func readableByOthers(path string) string { return openToOthers("the secret", path) }

// openToOthers warns of a file that every user of the machine can access. Access by its
// group is fine: service managers give secrets to a group.
func openToOthers(what, path string) string {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o006 == 0 {
		return ""
	}
	return fmt.Sprintf("every user of this machine can access %s in %s; run: chmod o= %s", what, path, path)
}

// readableFiles warns of the secret and of the database's files.
func readableFiles(s *settings) (warnings []string) {
	all := []string{readableByOthers(s.secretPath()), openToOthers("the client secret", s.oidcSecretFile)}
	if path, ok := strings.CutPrefix(s.database, sqlitePrefix); ok {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			all = append(all, openToOthers("the database", path+suffix))
		}
	}
	if s.oidc.clientKeyFile != "" {
		all = append(all, openToOthers("the client key", s.oidc.clientKeyFile))
	}
	return slices.DeleteFunc(all, func(w string) bool { return w == "" })
}
