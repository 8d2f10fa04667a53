package adminapi

import (
	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/serverapi"
)

// Route is one request of the API. openapi.json describes each.
type Route = serverapi.Route[*service]

// The names in paths.
const (
	organization = "organization" // an id or slug
	user         = "user"
	connection   = "connection"
	domainName   = "domain"
	sessionID    = "session"
	key          = "key"
)

// Routes are the API's routes that take a key. Package admin authorizes them.
var Routes = []Route{
	route("GET", "/organizations", listAll((*service).Organizations)),
	route("POST", "/organizations", created(withBody((*service).CreateOrganization))),
	route("GET", "/organizations/{organization}", byID(organization, (*service).Organization)),
	route("PATCH", "/organizations/{organization}", byIDWithBody(organization, (*service).UpdateOrganization)),
	route("DELETE", "/organizations/{organization}", noContent(byID(organization, (*service).DeleteOrganization))),
	route("POST", "/organizations/{organization}/disable", byID(organization, (*service).DisableOrganization)),
	route("POST", "/organizations/{organization}/enable", byID(organization, (*service).EnableOrganization)),
	route("GET", "/organizations/{organization}/policy", byID(organization, (*service).OrganizationPolicy)),
	route("PUT", "/organizations/{organization}/policy", byIDWithBody(organization, (*service).PutOrganizationPolicy)),

	route("PATCH", "/organizations/{organization}/attributes", byIDWithBody(organization, (*service).ChangeAttributes)),

	route("GET", "/organizations/{organization}/members", listWithin(organization, (*service).Members)),
	route("POST", "/organizations/{organization}/members", created(byIDWithBody(organization, (*service).AdmitMember))),
	route("POST", "/organizations/{organization}/file-members", noContent(byIDWithBody(organization, (*service).ApplyMembers))),
	route("POST", "/organizations/{organization}/file-settings", byIDWithDocument(organization, (*service).ApplySettings)),
	route("GET", "/organizations/{organization}/members/{user}", within(organization, user, (*service).Member)),
	route("PUT", "/organizations/{organization}/members/{user}", withinWithBody(organization, user, (*service).UpdateMember)),
	route("PATCH", "/organizations/{organization}/members/{user}/attributes", withinWithBody(organization, user, (*service).ChangeMemberAttributes)),
	route("DELETE", "/organizations/{organization}/members/{user}", noContent(within(organization, user, (*service).RemoveMember))),
	route("POST", "/organizations/{organization}/members/{user}/disable", within(organization, user, (*service).DisableMember)),
	route("POST", "/organizations/{organization}/members/{user}/enable", within(organization, user, (*service).EnableMember)),
	route("DELETE", "/organizations/{organization}/members/{user}/sessions", noContent(within(organization, user, (*service).EndMemberSessions))),
	route("DELETE", "/organizations/{organization}/members/{user}/links", noContent(within(organization, user, (*service).UnlinkMember))),

	route("GET", "/organizations/{organization}/staff", listWithin(organization, (*service).Staff)),
	route("POST", "/organizations/{organization}/staff", created(byIDWithBody(organization, (*service).GrantStaff))),
	route("GET", "/organizations/{organization}/staff/{user}", within(organization, user, (*service).StaffAccess)),
	route("DELETE", "/organizations/{organization}/staff/{user}", noContent(within(organization, user, (*service).EndStaff))),

	route("GET", "/organizations/{organization}/connections", listWithin(organization, (*service).Connections)),
	route("POST", "/organizations/{organization}/connections", created(byIDWithBody(organization, (*service).CreateConnection))),
	route("GET", "/organizations/{organization}/connections/{connection}", within(organization, connection, (*service).Connection)),
	route("PUT", "/organizations/{organization}/connections/{connection}", withinWithBody(organization, connection, (*service).UpdateConnection)),
	route("DELETE", "/organizations/{organization}/connections/{connection}", noContent(within(organization, connection, (*service).DeleteConnection))),
	route("POST", "/organizations/{organization}/connections/{connection}/enable", within(organization, connection, (*service).EnableConnection)),
	route("POST", "/organizations/{organization}/connections/{connection}/disable", within(organization, connection, (*service).DisableConnection)),

	route("GET", "/organizations/{organization}/domains", listWithin(organization, (*service).Domains)),
	route("POST", "/organizations/{organization}/domains", created(byIDWithBody(organization, (*service).CreateDomain))),
	route("GET", "/organizations/{organization}/domains/{domain}", within(organization, domainName, (*service).Domain)),
	route("DELETE", "/organizations/{organization}/domains/{domain}", noContent(within(organization, domainName, (*service).DeleteDomain))),
	route("POST", "/organizations/{organization}/domains/{domain}/check", within(organization, domainName, (*service).CheckDomain)),

	route("GET", "/organizations/{organization}/sessions", action{Run: organizationSessions}),
	route("DELETE", "/organizations/{organization}/sessions/{session}", noContent(within(organization, sessionID, (*service).EndOrganizationSession))),
	route("GET", "/organizations/{organization}/audit", action{Run: auditLog}),

	route("GET", "/users", listAll((*service).Users)),
	route("GET", "/users/{user}", byID(user, (*service).User)),
	route("POST", "/users/{user}/disable", byID(user, (*service).DisableUser)),
	route("POST", "/users/{user}/enable", byID(user, (*service).EnableUser)),
	route("GET", "/users/{user}/sessions", listWithin(user, (*service).UserSessions)),
	route("DELETE", "/users/{user}/sessions", noContent(byID(user, (*service).EndUserSessions))),
	route("DELETE", "/sessions/{session}", noContent(byID(sessionID, (*service).EndSession))),

	route("GET", "/workspace", forWorkspace((*service).Workspace)),
	route("PUT", "/workspace", withDocument((*service).PutWorkspace)),
	route("GET", "/policy", forWorkspace((*service).WorkspacePolicy)),
	route("PUT", "/policy", withBody((*service).PutWorkspacePolicy)),
	route("GET", "/audit", action{Run: auditLog}),

	route("GET", "/keys", listAll((*service).Keys)),
	route("POST", "/keys", created(withBody((*service).CreateKey))),
	route("GET", "/keys/{key}", byID(key, (*service).Key)),
	route("DELETE", "/keys/{key}", noContent(byID(key, (*service).RevokeKey))),
}

// organizationSessions lists an organization's sessions, only one person's if the query
// names them.
func organizationSessions(o *service, c *call) (any, error) {
	p, q, err := parsePage(c, "user")
	if err != nil {
		return nil, err
	}
	all, err := o.OrganizationSessions(c.Context(), c.Actor, c.R.PathValue(organization), q.Get("user"), p)
	return linkNext(c, all, err)
}

// auditLog lists audit events, only an organization's if the path names it.
func auditLog(o *service, c *call) (any, error) {
	p, q, err := parsePage(c, "user", "actor", "action", "since", "until")
	if err != nil {
		return nil, err
	}
	f := admin.EventFilter{User: q.Get("user"), Actor: q.Get("actor"), Action: q.Get("action")}
	for name, into := range map[string]*int64{"since": &f.Since, "until": &f.Until} {
		if *into, err = parseNumber(q, name, 0); err != nil {
			return nil, err
		}
	}
	all, err := o.Events(c.Context(), c.Actor, c.R.PathValue(organization), f, p)
	return linkNext(c, all, err)
}
