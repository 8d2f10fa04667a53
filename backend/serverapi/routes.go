package serverapi

import "github.com/tabard-auth/tabard/backend/admin"

// Route is one request of the API. openapi.json describes each.
type Route struct {
	Method, Path string // below Path
	action       action
}

// The names in paths.
const (
	organization = "organization" // an id or slug
	user         = "user"
	connection   = "connection"
	sessionID    = "session"
	key          = "key"
)

type office = admin.Office

type routes []Route

// Routes are all requests of the administration API that take a key. Who may send them
// is decided by administration.
var Routes = routes{
	{"GET", "/organizations", list((*office).Organizations)},
	{"POST", "/organizations", makes(takes((*office).CreateOrganization))},
	{"GET", "/organizations/{organization}", of(organization, (*office).Organization)},
	{"PATCH", "/organizations/{organization}", takesOf(organization, (*office).UpdateOrganization)},
	{"DELETE", "/organizations/{organization}", ends(of(organization, (*office).DeleteOrganization))},
	{"POST", "/organizations/{organization}/disable", of(organization, (*office).DisableOrganization)},
	{"POST", "/organizations/{organization}/enable", of(organization, (*office).EnableOrganization)},
	{"GET", "/organizations/{organization}/policy", of(organization, (*office).OrganizationPolicy)},
	{"PUT", "/organizations/{organization}/policy", takesOf(organization, (*office).PutOrganizationPolicy)},

	{"GET", "/organizations/{organization}/members", listOf(organization, (*office).Members)},
	{"POST", "/organizations/{organization}/members", makes(takesOf(organization, (*office).AdmitMember))},
	{"GET", "/organizations/{organization}/members/{user}", in(organization, user, (*office).Member)},
	{"PUT", "/organizations/{organization}/members/{user}", takesIn(organization, user, (*office).UpdateMember)},
	{"DELETE", "/organizations/{organization}/members/{user}", ends(in(organization, user, (*office).RemoveMember))},
	{"POST", "/organizations/{organization}/members/{user}/disable", in(organization, user, (*office).DisableMember)},
	{"POST", "/organizations/{organization}/members/{user}/enable", in(organization, user, (*office).EnableMember)},
	{"DELETE", "/organizations/{organization}/members/{user}/sessions", ends(in(organization, user, (*office).EndMemberSessions))},
	{"DELETE", "/organizations/{organization}/members/{user}/links", ends(in(organization, user, (*office).UnlinkMember))},

	{"GET", "/organizations/{organization}/staff", listOf(organization, (*office).Staff)},
	{"POST", "/organizations/{organization}/staff", makes(takesOf(organization, (*office).GrantStaff))},
	{"GET", "/organizations/{organization}/staff/{user}", in(organization, user, (*office).StaffAccess)},
	{"DELETE", "/organizations/{organization}/staff/{user}", ends(in(organization, user, (*office).EndStaff))},

	{"GET", "/organizations/{organization}/connections", listOf(organization, (*office).Connections)},
	{"POST", "/organizations/{organization}/connections", makes(takesOf(organization, (*office).CreateConnection))},
	{"GET", "/organizations/{organization}/connections/{connection}", in(organization, connection, (*office).Connection)},
	{"PUT", "/organizations/{organization}/connections/{connection}", takesIn(organization, connection, (*office).UpdateConnection)},
	{"DELETE", "/organizations/{organization}/connections/{connection}", ends(in(organization, connection, (*office).DeleteConnection))},
	{"POST", "/organizations/{organization}/connections/{connection}/enable", in(organization, connection, (*office).EnableConnection)},
	{"POST", "/organizations/{organization}/connections/{connection}/disable", in(organization, connection, (*office).DisableConnection)},

	{"GET", "/organizations/{organization}/sessions", action{run: organizationSessions}},
	{"DELETE", "/organizations/{organization}/sessions/{session}", ends(in(organization, sessionID, (*office).EndOrganizationSession))},
	{"GET", "/organizations/{organization}/audit", action{run: trail}},

	{"GET", "/users", list((*office).Users)},
	{"GET", "/users/{user}", of(user, (*office).User)},
	{"POST", "/users/{user}/disable", of(user, (*office).DisableUser)},
	{"POST", "/users/{user}/enable", of(user, (*office).EnableUser)},
	{"GET", "/users/{user}/sessions", listOf(user, (*office).UserSessions)},
	{"DELETE", "/users/{user}/sessions", ends(of(user, (*office).EndUserSessions))},
	{"DELETE", "/sessions/{session}", ends(of(sessionID, (*office).EndSession))},

	{"GET", "/policy", gets((*office).WorkspacePolicy)},
	{"PUT", "/policy", takes((*office).PutWorkspacePolicy)},
	{"GET", "/audit", action{run: trail}},

	{"GET", "/keys", list((*office).Keys)},
	{"POST", "/keys", makes(takes((*office).CreateKey))},
	{"GET", "/keys/{key}", of(key, (*office).Key)},
	{"DELETE", "/keys/{key}", ends(of(key, (*office).RevokeKey))},
}

// organizationSessions lists an organisation's sessions, a person's where the query
// names one.
func organizationSessions(c *call) (any, error) {
	p, q, err := c.page("user")
	if err != nil {
		return nil, err
	}
	all, err := c.office.OrganizationSessions(c.ctx, c.by, c.r.PathValue(organization), q.Get("user"), p)
	return paged(c, all, err)
}

// trail lists what happened, in one organisation where the path names it.
func trail(c *call) (any, error) {
	p, q, err := c.page("user", "actor", "action", "since", "until")
	if err != nil {
		return nil, err
	}
	f := admin.TrailFilter{User: q.Get("user"), Actor: q.Get("actor"), Action: q.Get("action")}
	for name, into := range map[string]*int64{"since": &f.Since, "until": &f.Until} {
		if *into, err = number(q, name, 0); err != nil {
			return nil, err
		}
	}
	all, err := c.office.Trail(c.ctx, c.by, c.r.PathValue(organization), f, p)
	return paged(c, all, err)
}
