package contract

import "github.com/tabard-auth/tabard/backend/directory"

// clientSecretVariable is the environment variable with the client secret of
// connections.
const clientSecretVariable = "CONTRACT_CLIENT_SECRET"

// fileOf returns a workspace in the form of a workspace file.
func fileOf(d directory.Desired) map[string]any {
	var apps, organizations []map[string]any
	for _, a := range d.Workspace.Apps {
		app := map[string]any{"id": a.ID, "name": a.Name, "origins": a.Origins, "audience": a.Audience}
		if a.Accounts != directory.OneAccount {
			app["accounts"] = a.Accounts
		}
		if len(a.StatedClaims) > 0 {
			app["claims"], app["lent_claims"], app["further_audiences"] = claimsOf(a.StatedClaims), a.LentClaims, a.FurtherAudiences
		}
		apps = append(apps, app)
	}
	for _, o := range d.Organizations {
		var members []map[string]any
		for _, m := range o.Members {
			members = append(members, map[string]any{"iss": m.Issuer, "sub": m.Subject, "roles": m.Roles})
		}
		connections := []map[string]any{}
		for _, c := range o.Connections {
			connections = append(connections, map[string]any{
				"id": c.ID, "issuer": c.Issuer, "client_id": c.ClientID, "client_secret": map[string]any{"env": clientSecretVariable},
				"just_in_time": c.Provisioning.JustInTime, "roles": c.Provisioning.Roles,
			})
		}
		organizations = append(organizations, map[string]any{
			"id": o.ID, "slug": o.Slug, "name": o.Name, "policy": o.Rules, "members": members, "connections": connections, "domains": append([]string{}, o.Domains...),
			"attributes": o.Attributes.Values(),
		})
	}
	return map[string]any{"apps": apps, "roles": d.Workspace.Roles, "policy": d.Workspace.Policy, "organizations": organizations}
}

// claimsOf returns stated claims in the form of a workspace file.
func claimsOf(stated map[string]directory.StatedClaim) map[string]any {
	all := map[string]any{}
	for name, s := range stated {
		claim := map[string]any{}
		switch {
		case s.Claim != "":
			all[name] = s.Claim
			continue
		case s.Value != nil:
			claim["value"] = s.Value
		case s.Object != nil:
			claim["object"] = claimsOf(s.Object)
		case s.Organization != "":
			claim["organization"] = s.Organization
		default:
			claim["provider"] = s.Provider
		}
		all[name] = claim
	}
	return all
}
