// Package admin implements the operations of administrators: one function an operation,
// for the administration API and the command line alike. authority.go authorizes and
// records all of them.
//
// Of two concurrent changes the later one wins. Operations may be repeated. Times are
// Unix seconds; 0 means never.
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
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store stores the objects of administration.
type Store interface {
	OrganizationStore
	AttributeStore
	MemberStore
	FileStore
	InvitationStore
	StaffStore
	UserStore
	PolicyStore
	ConnectionStore
	DomainStore
	SessionStore
	KeyStore
	audit.Store
}

// Config configures New. All fields but RedirectURI are required.
type Config struct {
	Store Store
	// Secret is the workspace's secret. Without it no keys are made or accepted, and no
	// client secrets are stored.
	Secret signingkey.Secret
	// RedirectURI returns the redirect URI to register at a connection's provider.
	RedirectURI func(connectionID string) string
	// Resolver looks up the records that verify domains. Without it none is checked.
	Resolver domain.Resolver
	// Now returns the current time.
	Now func() time.Time
}

// Service administers a workspace. Each part holds the dependencies of its operations.
type Service struct {
	organizations
	members
	staff
	users
	policies
	connections
	domains
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
		domains{b, c.Resolver}, sessions{b}, keys{b, c.Secret.Derive(signingkey.ForAPIKeys)}, auditLog{b},
	}
	if o.redirectURI == nil {
		o.redirectURI = func(string) string { return "" }
	}
	return o
}

// base authorizes and records the operations of every part.
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

type domains struct {
	*base
	resolver domain.Resolver
}

type keys struct {
	*base
	hash hasher
}

func refuse(code api.Code, format string, args ...any) *refusal.Refusal {
	return refusal.New(code, fmt.Sprintf(format, args...))
}

// storeRefusals maps a store's errors to refusals. After any other error the outcome is
// unknown.
var storeRefusals = map[error]*refusal.Refusal{
	directory.ErrNoOrganization: refuse(api.NotFound, "There is no such organization."),
	directory.ErrNoMember:       refuse(api.NotFound, "There is no such member."),
	directory.ErrNoInvitation:   refuse(api.NotFound, "There is no such invitation."),
	directory.ErrNoUser:         refuse(api.NotFound, "There is no such person."),
	directory.ErrNoRole:         refuse(api.InvalidRequest, "The workspace has no such role."),
	ErrNoKey:                    refuse(api.NotFound, "There is no such key."),
	errNotFound:                 refuse(api.NotFound, "There is no object with this id."),
	errNoSession:                refuse(api.NotFound, "There is no such session."),
	directory.ErrSlugTaken:      refuse(api.AlreadyExists, "Another organization has this slug."),
	directory.ErrOvertaken:      refuse(api.Conflict, "It was changed by another request in the meantime. Try again."),
	directory.ErrMember:         refuse(api.Conflict, "This person is a member of the organization; a member cannot have staff access."),
	directory.ErrStaff:          refuse(api.Conflict, "This person has staff access to the organization. End the staff access first."),
	directory.ErrNoStaff:        refuse(api.NotFound, "This person has no staff access."),
	directory.ErrFromFile: refuse(api.ManagedByFile,
		"The workspace file manages this. Change it in the file and apply that, or disable it here."),
	directory.ErrNoDomain:        refuse(api.NotFound, "The organization has no such domain."),
	directory.ErrDomainExists:    refuse(api.AlreadyExists, "The organization has this domain already."),
	directory.ErrTooMany:         refuse(api.Conflict, "An organization has at most %d domains.", directory.MaxDomains),
	directory.ErrNoConnection:    refuse(api.NotFound, "There is no such connection."),
	directory.ErrOtherConnection: refuse(api.Conflict, "Another connection of the organization is enabled. Disable it first."),
}

// asRefusal returns the refusal for a store's error, or the error itself if it has
// none.
func asRefusal(err error) error {
	if errors.Is(err, directory.ErrTooLarge) || errors.Is(err, directory.ErrNoAttribute) || errors.Is(err, directory.ErrAttribute) { // their texts have details
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

// Page selects a page of a list.
type Page struct {
	// After is Next of the previous page. It is empty for the first page.
	After string
	// Limit is the most items to return, up to MaxLimit.
	Limit int
}

// MaxLimit is the largest Page.Limit.
const MaxLimit = 200

// List is a page of a list.
type List[T any] struct {
	Items []T `json:"items"`
	// Next is Page.After of the next page. It is empty on the last page.
	Next string `json:"next,omitempty"`
}

// paginate reads a page, and one more record to find out whether another page follows.
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

// A cursor is the key of the last item on the page.
const (
	maxCursor      = 100 // bytes
	cursorAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789_-:."
)

var errCursor = refuse(api.InvalidRequest, "Invalid cursor: after must be the value of next in the previous page.")

// validCursor reports whether a text can be a cursor, or is empty.
func validCursor(text string) bool {
	return len(text) <= maxCursor && strings.Trim(text, cursorAlphabet) == ""
}

// maxName is the most bytes of a name.
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

// Empty is the result of an operation that returns nothing.
type Empty struct{}
