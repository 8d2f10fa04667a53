package signin

import (
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/provisioning"
)

// memberships returns the updates of memberships during a request.
func (f *Flow) memberships(c *authn.Request) provisioning.Update {
	return provisioning.Update{Store: f.store, Workspace: c.Workspace, Now: c.Now, Audit: c.Audit}
}

// sessionEnd returns the absolute end of a new session: the policy's or the provider's,
// whichever is earlier. A step-up does not extend it.
func sessionEnd(c *authn.Request, i login.Identity) int64 {
	end := c.Workspace.Policy.SessionEnd(c.Now)
	if i.SessionExpiry != 0 {
		return min(end, i.SessionExpiry)
	}
	return end
}
