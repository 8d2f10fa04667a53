package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// Actor is who administers.
type Actor struct {
	// ID is an administration key's, or audit.CommandLine.
	ID   string
	Name string
	// OrganizationID is the only organization that the actor administers; "" means
	// the whole workspace.
	OrganizationID string
	// App is the only app whose server the actor is; "" means any.
	App string
	// Address is where the request came from.
	Address string
}

// reach is how far an act goes.
type scope int

// The reaches. An act in an organization is every administrator's of that
// organization; an act of the workspace is not, also where it is done to one.
const (
	organizationScope scope = iota
	workspaceScope
)

// act is something to be done, as it is decided on and recorded. What is known only
// when it is done is filled in then.
type operation struct {
	action audit.Action
	scope  scope
	// organization is the id (org_…) or slug that the act names, if any.
	organization string
	user         string
	session      string
	target       string
	// note and expiresAt are what an administrator said of the act, and until when it
	// holds.
	note      string
	expiresAt int64
	// made is the id of the organization that the act made.
	createdID string
}

// reads tells an act that changes nothing.
func (a *operation) isRead() bool { return strings.HasSuffix(string(a.action), ".read") }

var errOutOfScope = refuse(api.AdminAccessDenied, "This key is for one organization; this request needs a key to the workspace.")

// perform decides whether somebody may do what they are about to, does it, and
// records it: every change, and every attempt that was refused. A change that could
// not be recorded is an error, so that whoever asked for it asks again; whoever leaves
// before the answer changes nothing about either.
func run[T any](ctx context.Context, o *base, by Actor, a *operation, do func(context.Context, directory.OrganizationRecord) (T, error)) (T, error) {
	var result T
	if !a.isRead() {
		ctx = context.WithoutCancel(ctx)
	}
	organization, err := o.authorize(ctx, by, a)
	if err == nil {
		result, err = do(ctx, organization)
	}
	err = asRefusal(err)
	if recording := o.record(ctx, by, a, organization.ID, err); recording != nil {
		err = recording
	}
	if err != nil {
		var nothing T
		return nothing, err
	}
	return result, nil
}

// decide is the only place that says who may do what. An organization that is
// somebody else's is answered like one that does not exist. It returns the organization
// that the act names.
func (o *base) authorize(ctx context.Context, by Actor, a *operation) (directory.OrganizationRecord, error) {
	none := directory.OrganizationRecord{}
	if a.scope == workspaceScope && by.OrganizationID != "" {
		return none, errOutOfScope
	}
	if a.organization == "" && a.scope == workspaceScope {
		return none, a.checkIDs()
	}
	if !validRef(a.organization) {
		return none, directory.ErrNoOrganization
	}
	organization, err := o.store.Organization(ctx, a.organization)
	if err != nil {
		return none, err
	}
	if by.OrganizationID != "" && organization.ID != by.OrganizationID {
		return none, directory.ErrNoOrganization
	}
	return organization, a.checkIDs()
}

// nameable refuses what no id can be, which databases differ over.
func (a *operation) checkIDs() error {
	switch {
	case !validID(a.user):
		return directory.ErrNoUser
	case !validID(a.session):
		return errNoSession
	case !validID(a.target):
		return errNotFound
	}
	return nil
}

// validID reports whether a text can be an id or a slug, or is empty.
func validID(text string) bool { return validCursor(text) && !strings.ContainsAny(text, ".:") }

var errNotFound = errors.New("administration: there is nothing of this id")

// validRef reports whether a text can be an organization's id or slug.
func validRef(ref string) bool {
	return directory.ValidSlug(strings.Replace(ref, directory.OrganizationPrefix, "", 1))
}

// record writes an act down. A read is recorded where authority refused it, a change
// always, unless nothing is known of its outcome.
func (o *base) record(ctx context.Context, by Actor, a *operation, organizationID string, outcome error) error {
	e := audit.Event{
		ID: directory.NewID("evt_"), At: o.now().Unix(), Action: a.action, Outcome: audit.Done,
		Actor: by.ID, ActorName: by.Name, Address: by.Address,
		OrganizationID: organizationID, UserID: idOrEmpty(a.user), SessionID: idOrEmpty(a.session), Target: idOrEmpty(a.target),
		Note: a.note, ExpiresAt: a.expiresAt,
	}
	var refused *refusal.Refusal
	switch {
	case errors.As(outcome, &refused):
		denied := refused == errOutOfScope || errors.Is(outcome, directory.ErrNoOrganization)
		if a.isRead() && (by.OrganizationID == "" || !denied) {
			return nil
		}
		e.Outcome, e.Reason = audit.Refused, string(refused.Code)
		if organizationID == "" { // what was asked for, in the trail of whoever asked
			e.OrganizationID, e.Target = by.OrganizationID, idOrEmpty(a.organization)
		}
	case outcome != nil || a.isRead():
		return nil
	case a.createdID != "":
		e.OrganizationID = a.createdID
	}
	return o.store.RecordEvent(ctx, e)
}

// clip leaves away what a client wrote where it cannot be a name of anything.
func idOrEmpty(text string) string {
	if !validID(text) {
		return ""
	}
	return text
}
