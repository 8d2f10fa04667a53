package workspacefile

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

// Sealer seals client secrets, each for its connection's id.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// SealSecrets reads the client secrets that a file refers to, and seals them. A stored
// sealed secret with the same content is kept, since a newly sealed one would count as
// a change. If a secret cannot be read, the error is Problems.
func SealSecrets(d *directory.Desired, s Sealer, stored func(connectionID string) (sealed string, err error)) error {
	var problems Problems
	for _, o := range d.Organizations {
		for i := range o.Connections {
			c := &o.Connections[i]
			if c.ClientSecret == (directory.SecretReference{}) && c.ClientAuth != "" {
				continue
			}
			secret, err := readSecret(c.ClientSecret)
			if err != nil {
				problems = append(problems, Problem{c.Line, fmt.Sprintf("the client secret of connection %s: %v", c.ID, err)})
				continue
			}
			had, err := stored(c.ID)
			if err != nil {
				return err
			}
			if plain, err := s.Open(had, c.ID); err == nil && string(plain) == secret {
				c.SealedSecret = had
				continue
			}
			c.SealedSecret = s.Seal([]byte(secret), c.ID)
		}
	}
	if problems != nil {
		return problems
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
