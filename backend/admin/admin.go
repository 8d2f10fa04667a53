// Package admin is what administrators do to a workspace: one function an
// act, the same for the administration API and for the command line. Who may do
// what is decided in one place (authority.go), and so is what is recorded.
//
// Of two changes of one thing the later wins. Every act may be repeated: what is
// done already stays done. Times are Unix seconds, of which 0 means never.
package admin

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is what administration needs a store for.
type Store interface {
	OrganizationStore
	MemberStore
	FileStore
	InvitationStore
	StaffStore
	UserStore
	PolicyStore
	ConnectionStore
	SessionStore
	KeyStore
	audit.Store
}

// Config is what New needs. All of it is required but RedirectURI.
type Config struct {
	Store Store
	// Secret is the workspace's. Without it no keys are made or taken, and no
	// connection's secret is kept.
	Secret signingkey.Secret
	// RedirectURI returns what is to be registered at a connection's provider.
	RedirectURI func(connectionID string) string
	// Now tells the time.
	Now func() time.Time
}

// Service is where a workspace is administered: each part holds what its acts need.
type Service struct {
	organizations
	members
	staff
	users
	policies
	connections
	sessions
	keys
	auditLog
}

// New returns the administration of a workspace.
func New(c Config) *Service {
	b := &base{c.Store, c.Now}
	o := &Service{
		organizations{b}, members{b}, staff{b}, users{b}, policies{b},
		connections{b, c.Secret.Sealer(signingkey.ForConnections), c.RedirectURI},
		sessions{b}, keys{b, c.Secret.Derive(signingkey.ForAPIKeys)}, auditLog{b},
	}
	if o.redirectURI == nil {
		o.redirectURI = func(string) string { return "" }
	}
	return o
}

// base is what every part needs: it decides on acts, and records them.
type base struct {
	store Store
	now   func() time.Time
}

type (
	organizations struct{ *base }
	members       struct{ *base }
	staff         struct{ *base }
	users         struct{ *base }
	policies      struct{ *base }
	sessions      struct{ *base }
	auditLog      struct{ *base }
)

type connections struct {
	*base
	seal        signingkey.Sealer
	redirectURI func(connectionID string) string
}

type keys struct {
	*base
	hash hasher
}

func refuse(code api.Code, format string, args ...any) *refusal.Refusal {
	return refusal.New(code, fmt.Sprintf(format, args...))
}

// reasons are the answers to what a store refuses. Its other errors tell that
// nothing is known of the outcome.
var storeRefusals = map[error]*refusal.Refusal{
	directory.ErrNoOrganization: refuse(api.NotFound, "There is no such organization."),
	directory.ErrNoMember:       refuse(api.NotFound, "There is no such member."),
	directory.ErrNoInvitation:   refuse(api.NotFound, "There is no such invitation."),
	directory.ErrNoUser:         refuse(api.NotFound, "There is no such person."),
	directory.ErrNoRole:         refuse(api.InvalidRequest, "The workspace has no such role."),
	ErrNoKey:                    refuse(api.NotFound, "There is no such key."),
	errNotFound:                 refuse(api.NotFound, "There is nothing with this id."),
	errNoSession:                refuse(api.NotFound, "There is no such session."),
	directory.ErrSlugTaken:      refuse(api.AlreadyExists, "Another organization has this slug."),
	directory.ErrOvertaken:      refuse(api.Conflict, "It was changed by another request in the meantime. Try again."),
	directory.ErrMember:         refuse(api.Conflict, "This person is a member of the organization; a member cannot have staff access."),
	directory.ErrStaff:          refuse(api.Conflict, "This person has staff access to the organization. End the staff access first."),
	directory.ErrNoStaff:        refuse(api.NotFound, "This person has no staff access."),
	directory.ErrFromFile: refuse(api.ManagedByFile,
		"This is managed by the workspace file. Change the file and apply it, or disable it here."),
	directory.ErrNoConnection:    refuse(api.NotFound, "There is no such connection."),
	directory.ErrOtherConnection: refuse(api.Conflict, "Another connection of the organization is enabled. Disable it first."),
}

// reason turns a store's error into a refusal, where it is one.
func asRefusal(err error) error {
	if errors.Is(err, directory.ErrTooLarge) { // which says of which roles
		_, text, _ := strings.Cut(err.Error(), ": ")
		return refusal.New(api.InvalidRequest, strings.ToUpper(text[:1])+text[1:]+".").WithCause(err)
	}
	for known, r := range storeRefusals {
		if errors.Is(err, known) {
			return refusal.New(r.Code, r.Text).WithCause(err)
		}
	}
	return err
}

// Page says which part of a list is wanted.
type Page struct {
	// After is the Next of the page before; empty begins.
	After string
	// Limit is the most that is wanted, up to MaxLimit.
	Limit int
}

// MaxLimit is the most that a page holds.
const MaxLimit = 200

// List is a page of a list.
type List[T any] struct {
	Items []T `json:"items"`
	// Next is the After of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// listed reads a page, and one more to tell whether a further one follows.
func paginate[Record, T any](p Page, read func(after string, limit int) ([]Record, error), shown func(Record) T, place func(Record) string) (List[T], error) {
	list := List[T]{Items: []T{}}
	if p.Limit < 1 || p.Limit > MaxLimit {
		return list, refuse(api.InvalidRequest, "limit must be from 1 to %d.", MaxLimit)
	}
	if !validCursor(p.After) {
		return list, errCursor
	}
	records, err := read(p.After, p.Limit+1)
	if err != nil {
		return list, err
	}
	for i, r := range records {
		if i == p.Limit {
			list.Next = place(records[i-1])
			break
		}
		list.Items = append(list.Items, shown(r))
	}
	return list, nil
}

// A place in a list is the plain key of what stands there.
const (
	maxCursor      = 100 // bytes
	cursorAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789_-:."
)

var errCursor = refuse(api.InvalidRequest, "Invalid cursor: pass the previous page's next as after.")

// validCursor reports whether a text can be a cursor, or is empty.
func validCursor(text string) bool {
	return len(text) <= maxCursor && strings.Trim(text, cursorAlphabet) == ""
}

// maxName is how long a name may be, in bytes.
const maxName = 200

func checkName(what, name string, required bool) error {
	if name == "" && required {
		return refuse(api.InvalidRequest, "%s is missing.", what)
	}
	if len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		return refuse(api.InvalidRequest, "%s must be one line of at most %d bytes.", what, maxName)
	}
	return nil
}

// Empty is what an act returns that is only done.
type Empty struct{}
