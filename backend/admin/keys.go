package admin

import (
	"cmp"
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// NewKey is a request for a new key.
type NewKey struct {
	// Kind is the API that the key is for; empty means Administration.
	Kind KeyKind `json:"kind"`
	// Name is the key's display name.
	Name string `json:"name"`
	// App restricts a WorkspaceAPI key to one app's server; empty means every app.
	App string `json:"app"`
	// Organization restricts the key to one organization, by id or slug; empty means
	// the whole workspace.
	Organization string `json:"organization"`
	// ExpiresIn is the time until the key expires, in seconds; 0 means never.
	ExpiresIn int64 `json:"expires_in"`
}

func (n NewKey) check() error {
	if n.ExpiresIn < 0 || n.ExpiresIn > maxKeyLife {
		return refuse(api.InvalidRequest, "expires_in must be from 0 to %d seconds.", int64(maxKeyLife))
	}
	switch n.kind() {
	case WorkspaceAPI:
	case Administration, Events:
		if n.App != "" {
			return refuse(api.InvalidRequest, "app is allowed only with the kind workspace.")
		}
		if n.kind() == Events && n.Organization != "" { // the feed names sessions and people of all
			return refuse(api.InvalidRequest, "A key of the kind events is for the whole workspace: leave organization out.")
		}
	default:
		return refuse(api.InvalidRequest, "kind must be administration, workspace or events.")
	}
	return checkName("name", n.Name, true)
}

func (n NewKey) kind() KeyKind { return cmp.Or(n.Kind, Administration) }

// KeyInfo is a key in the form for administrators.
type KeyInfo struct {
	ID             string  `json:"id"`
	Kind           KeyKind `json:"kind"`
	Name           string  `json:"name"`
	App            string  `json:"app,omitempty"`
	OrganizationID string  `json:"organization_id,omitempty"`
	CreatedAt      int64   `json:"created_at"`
	CreatedBy      string  `json:"created_by"`
	ExpiresAt      int64   `json:"expires_at,omitempty"`
	LastUsedAt     int64   `json:"last_used_at,omitempty"`
	RevokedAt      int64   `json:"revoked_at,omitempty"`
}

// CreatedKey is a new key. Secret is shown only this once.
type CreatedKey struct {
	KeyInfo
	Secret string `json:"secret"`
}

func keyInfoOf(k Key) KeyInfo {
	return KeyInfo{
		ID: k.ID, Kind: k.Kind, Name: k.Name, App: k.App, OrganizationID: k.OrganizationID, CreatedAt: k.CreatedAt,
		CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}

// Keys lists the keys by id, including revoked and expired ones.
func (o *keys) Keys(ctx context.Context, by Actor, p Page) (List[KeyInfo], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadKey, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (List[KeyInfo], error) {
			return paginate(p, func(after string, limit int) ([]Key, error) {
				return o.store.Keys(ctx, after, limit)
			}, keyInfoOf, func(k Key) string { return k.ID })
		})
}

// Key returns one key.
func (o *keys) Key(ctx context.Context, by Actor, id string) (KeyInfo, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadKey, scope: workspaceScope, target: id},
		func(ctx context.Context, _ directory.OrganizationRecord) (KeyInfo, error) {
			k, err := o.store.Key(ctx, id)
			return keyInfoOf(k), err
		})
}

// CreateKey creates a key.
func (o *keys) CreateKey(ctx context.Context, by Actor, n NewKey) (CreatedKey, error) {
	a := &operation{action: audit.CreateKey, scope: workspaceScope, organization: n.Organization}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (CreatedKey, error) {
			k, secret, err := o.DraftKey(by, n, r.ID)
			if err == nil {
				err = o.checkApp(ctx, n.App)
			}
			if err != nil {
				return CreatedKey{}, err
			}
			a.target = k.ID
			return CreatedKey{keyInfoOf(k), secret}, o.store.AddKey(ctx, k)
		})
}

// DraftKey returns a new key, which is not stored yet, and its secret.
func (o *keys) DraftKey(by Actor, n NewKey, organizationID string) (k Key, secret string, err error) {
	if err := n.check(); err != nil {
		return Key{}, "", err
	}
	text, now := newKeyText(), o.now().Unix()
	k = Key{
		ID: directory.NewID("key_"), Kind: n.kind(), Name: n.Name, App: n.App, OrganizationID: organizationID,
		Hash: o.hash.hash(o.hash[0], n.kind(), text), CreatedAt: now, CreatedBy: by.ID,
	}
	if n.ExpiresIn > 0 {
		k.ExpiresAt = now + n.ExpiresIn
	}
	return k, text, nil
}

func (o *keys) checkApp(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	w, err := o.store.Workspace(ctx)
	if err != nil {
		return err
	}
	if _, ok := w.AppByID(id); !ok {
		return refuse(api.InvalidRequest, "The workspace has no app with this id.")
	}
	return nil
}

// KeyCreatedEvent returns the audit event of a new key.
func KeyCreatedEvent(by Actor, k Key) audit.Event {
	return audit.Event{
		ID: directory.NewID("evt_"), At: k.CreatedAt, Action: audit.CreateKey, Outcome: audit.Done,
		Actor: by.ID, ActorName: by.Name, OrganizationID: k.OrganizationID, Target: k.ID,
	}
}

// RevokeKey revokes a key immediately and permanently.
func (o *keys) RevokeKey(ctx context.Context, by Actor, id string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.RevokeKey, scope: workspaceScope, target: id},
		func(ctx context.Context, _ directory.OrganizationRecord) (Empty, error) {
			return Empty{}, o.store.RevokeKey(ctx, id, o.now().Unix())
		})
}
