package signingkey

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
)

// An epoch names a state of the workspace's database. It stands in the secret's file and
// in the database. Where the two differ the database was restored, or is somebody else's,
// and no replica serves it.
//
// In the file it is a comment, which earlier releases pass over. A file without one has
// the epoch "". Nothing but a command writes it, because a mounted file cannot be written.

// epochLine is the comment that names the epoch.
var epochLine = regexp.MustCompile(`^# epoch: ([A-Za-z0-9_-]{1,64})$`)

var errEpochs = errors.New("it names several epochs; leave the line that all replicas have")

// EpochOf returns the epoch that a line of a secret's file names, and whether it does.
func EpochOf(line string) (epoch string, is bool) {
	if match := epochLine.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
		return match[1], true
	}
	return "", false
}

// EpochLine returns the line of a secret's file that names an epoch.
func EpochLine(epoch string) string { return "# epoch: " + epoch }

// NewEpoch returns an epoch that was never used.
func NewEpoch() string { return strings.ToLower(rand.Text()) }

// Epoch returns the epoch that the secret's file names, or "".
func (s Secret) Epoch() string { return s.epoch }

// DatabaseEpoch is the epoch of a database.
type DatabaseEpoch struct {
	Value string
	// Copied tells that the database is a copy of another one, which the epoch was
	// written in.
	Copied bool
}

// Epochs is the store's record of its epoch.
type Epochs interface {
	// Epoch returns the database's epoch. A database that has none yet takes that of
	// the caller, unless it has sessions and the caller names one: it stays without.
	Epoch(ctx context.Context, adopt string) (DatabaseEpoch, error)
	// SetEpoch gives the database an epoch.
	SetEpoch(ctx context.Context, value string) error
}

// What begins the epoch of a database that no secret's file can name. The rest is unique.
const (
	EpochOfBackup  = "backup:"  // a backup, wherever it was put
	EpochOfRestore = "restore:" // restored by tabard restore
	epochMoved     = "moved:"   // tabard move carried it to another database
)

// movedTo parts the unique rest of the epoch of a database that was moved from where it
// was moved.
const movedTo = " to "

// EpochMoved returns the epoch of a database that was moved to another one, which the
// text describes.
func EpochMoved(to string) string { return epochMoved + NewEpoch() + movedTo + to }

// MovedTo reports whether an epoch is that of a database that was moved, and where to.
func MovedTo(epoch string) (to string, moved bool) {
	rest, moved := strings.CutPrefix(epoch, epochMoved)
	if _, to, known := strings.Cut(rest, movedTo); known {
		return to, moved
	}
	return "another one", moved // a release before this one did not note it
}
