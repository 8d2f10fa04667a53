package api

// statuses maps each code to its HTTP status.
var statuses = map[Code]int{
	InvalidRequest:                 400,
	OrganizationRequired:           400,
	OrganizationAccessDenied:       403,
	LoginRequired:                  401,
	AccountRequired:                400,
	AccountMismatch:                403,
	AccountLimitReached:            403,
	SessionExpired:                 401,
	SessionRevoked:                 401,
	RefreshTokenReused:             401,
	OrganizationSessionExpired:     401,
	InsufficientUserAuthentication: 401,
	OriginNotAllowed:               403,
	OriginNotJoined:                401,
	IdentityChanged:                409,
	DeviceKeyRequired:              401,
	DeviceKeyMismatch:              401,
	InvalidDPoPProof:               400,
	UseDPoPNonce:                   400,
	RequestTooOld:                  409,
	NotFound:                       404,
	AdminKeyRequired:               401,
	AdminAccessDenied:              403,
	EventsKeyRequired:              401,
	WorkspaceAPIKeyRequired:        401,
	WorkspaceAccessDenied:          403,
	AppNotInWorkspace:              404,
	AlreadyExists:                  409,
	ManagedByFile:                  409,
	Conflict:                       409,
	StaffForbidden:                 403,
	SessionLimitReached:            403,
	InsufficientPermissions:        403,
	RateLimited:                    429,
	TemporarilyUnavailable:         503,
	ServerError:                    500,
}

// Status returns the HTTP status of an answer with the code.
func (c Code) Status() int { return statuses[c] }
