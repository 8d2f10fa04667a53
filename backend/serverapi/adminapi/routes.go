package adminapi

import (
	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/serverapi"
)

// Route is one request of the API. openapi.json describes each.
type Route = serverapi.Route[*office]

// The names in paths.
const (
	organization = "organization" // an id or slug
	user         = "user"
	connection   = "connection"
	sessionID    = "session"
	key          = "key"
)

// Routes are all requests of the administration API that take a key. Who may send them
// is decided by admin.
var Routes = []Route{
	at("GET", "/organizations", list((*office).Organizations)),
	at("POST", "/organizations", makes(takes((*office).CreateOrganization))),
	at("GET", "/organizations/{organization}", of(organization, (*office).Organization)),
	at("PATCH", "/organizations/{organization}", takesOf(organization, (*office).UpdateOrganization)),
	at("DELETE", "/organizations/{organization}", ends(of(organization, (*office).DeleteOrganization))),
	at("POST", "/organizations/{organization}/disable", of(organization, (*office).DisableOrganization)),
	at("POST", "/organizations/{organization}/enable", of(organization, (*office).EnableOrganization)),
	at("GET", "/organizations/{organization}/policy", of(organization, (*office).OrganizationPolicy)),
	at("PUT", "/organizations/{organization}/policy", takesOf(organization, (*office).PutOrganizationPolicy)),

	at("GET", "/organizations/{organization}/members", listOf(organization, (*office).Members)),
	at("POST", "/organizations/{organization}/members", makes(takesOf(organization, (*office).AdmitMember))),
	at("POST", "/organizations/{organization}/file-members", ends(takesOf(organization, (*office).ApplyMembers))),
	at("GET", "/organizations/{organization}/members/{user}", in(organization, user, (*office).Member)),
	at("PUT", "/organizations/{organization}/members/{user}", takesIn(organization, user, (*office).UpdateMember)),
	at("DELETE", "/organizations/{organization}/members/{user}", ends(in(organization, user, (*office).RemoveMember))),
	at("POST", "/organizations/{organization}/members/{user}/disable", in(organization, user, (*office).DisableMember)),
	at("POST", "/organizations/{organization}/members/{user}/enable", in(organization, user, (*office).EnableMember)),
	at("DELETE", "/organizations/{organization}/members/{user}/sessions", ends(in(organization, user, (*office).EndMemberSessions))),
	at("DELETE", "/organizations/{organization}/members/{user}/links", ends(in(organization, user, (*office).UnlinkMember))),

	at("GET", "/organizations/{organization}/staff", listOf(organization, (*office).Staff)),
	at("POST", "/organizations/{organization}/staff", makes(takesOf(organization, (*office).GrantStaff))),
	at("GET", "/organizations/{organization}/staff/{user}", in(organization, user, (*office).StaffAccess)),
	at("DELETE", "/organizations/{organization}/staff/{user}", ends(in(organization, user, (*office).EndStaff))),

	at("GET", "/organizations/{organization}/connections", listOf(organization, (*office).Connections)),
	at("POST", "/organizations/{organization}/connections", makes(takesOf(organization, (*office).CreateConnection))),
	at("GET", "/organizations/{organization}/connections/{connection}", in(organization, connection, (*office).Connection)),
	at("PUT", "/organizations/{organization}/connections/{connection}", takesIn(organization, connection, (*office).UpdateConnection)),
	at("DELETE", "/organizations/{organization}/connections/{connection}", ends(in(organization, connection, (*office).DeleteConnection))),
	at("POST", "/organizations/{organization}/connections/{connection}/enable", in(organization, connection, (*office).EnableConnection)),
	at("POST", "/organizations/{organization}/connections/{connection}/disable", in(organization, connection, (*office).DisableConnection)),

	at("GET", "/organizations/{organization}/sessions", action{Run: organizationSessions}),
	at("DELETE", "/organizations/{organization}/sessions/{session}", ends(in(organization, sessionID, (*office).EndOrganizationSession))),
	at("GET", "/organizations/{organization}/audit", action{Run: trail}),

	at("GET", "/users", list((*office).Users)),
	at("GET", "/users/{user}", of(user, (*office).User)),
	at("POST", "/users/{user}/disable", of(user, (*office).DisableUser)),
	at("POST", "/users/{user}/enable", of(user, (*office).EnableUser)),
	at("GET", "/users/{user}/sessions", listOf(user, (*office).UserSessions)),
	at("DELETE", "/users/{user}/sessions", ends(of(user, (*office).EndUserSessions))),
	at("DELETE", "/sessions/{session}", ends(of(sessionID, (*office).EndSession))),

	at("GET", "/policy", gets((*office).WorkspacePolicy)),
	at("PUT", "/policy", takes((*office).PutWorkspacePolicy)),
	at("GET", "/audit", action{Run: trail}),

	at("GET", "/keys", list((*office).Keys)),
	at("POST", "/keys", makes(takes((*office).CreateKey))),
	at("GET", "/keys/{key}", of(key, (*office).Key)),
	at("DELETE", "/keys/{key}", ends(of(key, (*office).RevokeKey))),
}

// organizationSessions lists an organization's sessions, a person's where the query
// names one.
func organizationSessions(o *office, c *call) (any, error) {
	p, q, err := page(c, "user")
	if err != nil {
		return nil, err
	}
	all, err := o.OrganizationSessions(c.Context(), c.By, c.R.PathValue(organization), q.Get("user"), p)
	return paged(c, all, err)
}

// trail lists what happened, in one organization where the path names it.
func trail(o *office, c *call) (any, error) {
	p, q, err := page(c, "user", "actor", "action", "since", "until")
	if err != nil {
		return nil, err
	}
	f := admin.EventFilter{User: q.Get("user"), Actor: q.Get("actor"), Action: q.Get("action")}
	for name, into := range map[string]*int64{"since": &f.Since, "until": &f.Until} {
		if *into, err = number(q, name, 0); err != nil {
			return nil, err
		}
	}
	all, err := o.Events(c.Context(), c.By, c.R.PathValue(organization), f, p)
	return paged(c, all, err)
}
