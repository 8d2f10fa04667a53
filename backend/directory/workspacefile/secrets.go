package workspacefile

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

// Sealer seals a client secret for its connection's id, in place of the stored one.
type Sealer interface {
	SealOver(stored string, plain []byte, context string) string
}

// ReadSecrets returns the client secrets that a file refers to, by the ids of their
// connections. If one cannot be read, the error is Problems.
func ReadSecrets(d directory.Desired) (map[string]string, error) {
	all := map[string]string{}
	var problems Problems
	for _, o := range d.Organizations {
		for _, c := range o.Connections {
			if c.ClientSecret == (directory.SecretReference{}) && c.ClientAuth != "" {
				continue
			}
			secret, err := readSecret(c.ClientSecret)
			if err != nil {
				problems = append(problems, Problem{c.Line, fmt.Sprintf("the client secret of connection %s: %v", c.ID, err)})
			}
			all[c.ID] = secret
		}
	}
	if problems != nil {
		return nil, problems
	}
	return all, nil
}

// SealSecrets reads the client secrets that a file refers to, and seals them. If a secret
// cannot be read, the error is Problems.
func SealSecrets(d *directory.Desired, s Sealer, stored func(connectionID string) (sealed string, err error)) error {
	secrets, err := ReadSecrets(*d)
	if err != nil {
		return err
	}
	for _, o := range d.Organizations {
		for i := range o.Connections {
			c := &o.Connections[i]
			secret, named := secrets[c.ID]
			if !named {
				continue
			}
			had, err := stored(c.ID)
			if err != nil {
				return err
			}
			c.SealedSecret = s.SealOver(had, []byte(secret), c.ID)
		}
	}
	return nil
}

func readSecret(from directory.SecretReference) (string, error) {
	text, where := os.Getenv(from.Variable), "the variable "+from.Variable
	if from.File != "" {
		where = from.File
		read, err := os.ReadFile(from.File)
		if err != nil {
			return "", err
		}
		text = strings.TrimRight(string(read), "\r\n")
	}
	switch {
	case text == "":
		return "", errors.New(where + " is empty or missing")
	case len(text) > directory.MaxText:
		return "", fmt.Errorf("%s holds more than %d bytes", where, directory.MaxText)
	}
	return text, nil
}
