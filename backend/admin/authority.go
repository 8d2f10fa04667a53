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

// Actor is the administrator of an operation.
type Actor struct {
	// ID is the id of an administration key, or audit.CommandLine.
	ID   string
	Name string
	// OrganizationID is the only organization that the actor may administer; "" means
	// the whole workspace.
	OrganizationID string
	// App is the only app for whose server the actor acts; "" means any.
	App string
	// Address is the network address of the request.
	Address string
}

// scope is the scope that an operation requires.
type scope int

// The scopes. Every administrator of an organization may run its organizationScope
// operations. A workspaceScope operation needs an administrator of the workspace, even
// if it concerns one organization.
const (
	organizationScope scope = iota
	workspaceScope
)

// operation describes an operation for authorization and for the audit log. Fields that
// are known only afterward are set while it runs.
type operation struct {
	action audit.Action
	scope  scope
	// organization is the id (org_…) or slug that the operation names, if any.
	organization string
	user         string
	session      string
	target       string
	// note is the administrator's remark, and expiresAt the end of validity.
	note      string
	expiresAt int64
	// createdID is the id of the organization that the operation created.
	createdID string
}

// isRead reports whether the operation changes nothing.
func (a *operation) isRead() bool { return strings.HasSuffix(string(a.action), ".read") }

var errOutOfScope = refuse(api.AdminAccessDenied, "This key is for one organization; this request needs a key to the workspace.")

// run authorizes an operation, runs it and records it: every change and every refused
// attempt. If a change cannot be recorded, run returns an error, so that the client
// tries again. A client that disconnects does not cancel a change or its record.
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

// authorize is the only place that decides on permissions. An organization out of the
// actor's scope is refused like one that does not exist. It returns the organization
// that the operation names.
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

// checkIDs refuses texts that cannot be ids, because databases differ in how they
// handle them.
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

var errNotFound = errors.New("administration: no object has this id")

// validRef reports whether a text can be an organization's id or slug.
func validRef(ref string) bool {
	return directory.ValidSlug(strings.Replace(ref, directory.OrganizationPrefix, "", 1))
}

// record writes an operation to the audit log: every change, unless its outcome is
// unknown, and reads that authorize refused.
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
		if organizationID == "" { // the organization asked for, in the log of the actor's own
			e.OrganizationID, e.Target = by.OrganizationID, idOrEmpty(a.organization)
		}
	case outcome != nil || a.isRead():
		return nil
	case a.createdID != "":
		e.OrganizationID = a.createdID
	}
	return o.store.RecordEvent(ctx, e)
}

// idOrEmpty returns a client's text if it can be an id, "" otherwise.
func idOrEmpty(text string) string {
	if !validID(text) {
		return ""
	}
	return text
}
