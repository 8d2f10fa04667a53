package tab

import (
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
)

// arrivalCode returns the code by which a sign-in came back without a session, as the
// page is told. It is text of the page's address: what is no code of a sign-in becomes
// server_error. Some providers have their own code for a person who cancels.
func arrivalCode(code api.Code) api.Code {
	switch code {
	case api.AccessDenied, api.AuthTimeMissing, api.AuthenticationNotRenewed, api.IdentityChanged, api.OrganizationAccessDenied, api.InsufficientUserAuthentication,
		api.InvalidRequest, api.InvalidDPoPProof, api.DeviceKeyRequired, api.DeviceKeyMismatch, api.OriginNotAllowed,
		api.LoginRequired, api.SessionExpired, api.SessionRevoked, api.RefreshTokenReused, api.OrganizationSessionExpired,
		api.StaffForbidden, api.AccountMismatch, api.AccountLimitReached, api.RateLimited, api.TemporarilyUnavailable, api.ServerError,
		"connection_disabled", "invalid_response", "unmet_authentication_requirements", // the backend's
		"consent_required", "interaction_required", "account_selection_required", "invalid_scope", "unauthorized_client", // the provider's
		"unsupported_response_type":
		return code
	}
	if strings.HasPrefix(string(code), "user_cancel") {
		return api.AccessDenied
	}
	return api.ServerError
}
