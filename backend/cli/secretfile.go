package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tabard-auth/tabard/backend/owner"
	"github.com/tabard-auth/tabard/backend/secrets"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// secretFile is a secret file being edited: its values, each with its comments.
type secretFile struct {
	path   string // of the file itself, with links resolved
	mode   os.FileMode
	before os.FileInfo
	text   string
	epoch  string // "" where the file names none
	values []secretLine
}

type secretLine struct {
	comments []string
	value    string
}

// The comments that mark the second value for tabard secret rotate.
const (
	markNext   = "# next: every replica has to know it before it is used"
	markBefore = "# before: it opens what was made under it, and goes out last"
)

// openSecret reads the server's secret file, to be edited or compared.
func (s *settings) openSecret() (*secretFile, error) {
	path, err := serverSecretPath(s)
	if err != nil {
		return nil, err
	}
	f, err := openSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %s: %w", path, err)
	}
	return f, nil
}

// openSecretFile reads a secret file, of one or two values.
func openSecretFile(path string) (*secretFile, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return nil, withoutPath(err)
	}
	text, err := os.ReadFile(resolved)
	if err != nil {
		return nil, withoutPath(err)
	}
	secret, err := signingkey.ParseSecret(string(text))
	if err != nil {
		return nil, err
	}
	f := &secretFile{path: resolved, before: info, text: string(text), epoch: secret.Epoch(), mode: info.Mode().Perm()&0o040 | 0o600}
	var comments []string
	for line := range strings.Lines(f.text) {
		switch line = strings.TrimSpace(line); {
		case line == "" || isEpoch(line):
		case strings.HasPrefix(line, "#"):
			comments = append(comments, line)
		default:
			f.values, comments = append(f.values, secretLine{comments, line}), nil
		}
	}
	if n := len(f.values); n > 2 {
		return nil, fmt.Errorf("it has %d values; at most two are supported: keep the value in use and at most one other, the previous or the next", n)
	}
	return f, nil
}

func isEpoch(line string) bool {
	_, is := signingkey.EpochOf(line)
	return is
}

// nextStep returns the step that the second value's comment marks.
func (f *secretFile) nextStep() (secrets.Step, bool) {
	if len(f.values) < 2 {
		return secrets.Add, true
	}
	for _, c := range f.values[1].comments {
		switch c {
		case markNext:
			return secrets.Promote, true
		case markBefore:
			return secrets.Remove, true
		}
	}
	return 0, false
}

// apply does a step in memory.
func (f *secretFile) apply(step secrets.Step) {
	switch step {
	case secrets.Add:
		_, text := signingkey.NewSecret()
		f.values = append(f.values, secretLine{[]string{markNext}, text})
	case secrets.Promote:
		f.values[0], f.values[1] = f.values[1], f.values[0]
		f.values[0].unmark()
		f.values[1].unmark()
		f.values[1].comments = append(f.values[1].comments, markBefore)
	case secrets.Remove:
		f.values = f.values[:1]
	}
}

func (l *secretLine) unmark() {
	var kept []string
	for _, c := range l.comments {
		if c != markNext && c != markBefore {
			kept = append(kept, c)
		}
	}
	l.comments = kept
}

// write replaces the file atomically. It keeps the owner, and the group that may read it;
// no other user can.
func (f *secretFile) write() error {
	var text strings.Builder
	if f.epoch != "" {
		text.WriteString(signingkey.EpochLine(f.epoch) + "\n")
	}
	for _, l := range f.values {
		for _, line := range append(l.comments, l.value) {
			text.WriteString(line + "\n")
		}
	}
	folder := filepath.Dir(f.path)
	made, err := os.CreateTemp(folder, filepath.Base(f.path)+".*")
	if err != nil {
		return fmt.Errorf("%w; if the folder is read-only, run this on a copy of the file", withoutPath(err))
	}
	defer os.Remove(made.Name()) // no effect after the rename
	_, err = made.WriteString(text.String())
	err = errors.Join(err, owner.Keep(made, f.before, f.mode), made.Chmod(f.mode), made.Sync(), made.Close())
	if err == nil {
		err = f.checkUnchanged()
	}
	if err == nil {
		err = os.Rename(made.Name(), f.path)
	}
	if err != nil {
		return withoutPath(err)
	}
	if d, err := os.Open(folder); err == nil { // makes the rename survive a crash
		d.Sync()
		d.Close()
	}
	return nil
}

// checkUnchanged refuses to overwrite a concurrent change.
func (f *secretFile) checkUnchanged() error {
	if text, err := os.ReadFile(f.path); err != nil || string(text) != f.text {
		return errors.Join(errors.New("the file was changed in the meantime; check it and run this again"), err)
	}
	return nil
}
