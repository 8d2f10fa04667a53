package directory

// SignIn are the workspace's settings of sign-ins. The zero value limits nothing.
type SignIn struct {
	// SessionCookie ends a session with the browser: its cookie has no Max-Age.
	SessionCookie bool `json:"session_cookie,omitempty"`
	// StaySignedIn lets a person choose that their session outlives the browser.
	StaySignedIn bool `json:"stay_signed_in,omitempty"`
	// MaxSessions is in how many browsers a person may be signed in at once; 0 is no
	// limit.
	MaxSessions int64 `json:"max_sessions,omitempty"`
	// AtLimit is what happens to a sign-in in one browser more.
	AtLimit AtLimit `json:"at_limit,omitempty"`
	// Revalidation is about the workspace's provider.
	Revalidation
}

// AtLimit is what happens to a sign-in beyond the limit.
type AtLimit string

// The choices of AtLimit. Empty means EndOldest.
const (
	EndOldest    AtLimit = "oldest" // the sessions of the browser that signed in longest ago end
	RefuseSignIn AtLimit = "refuse"
)

// EndsWithBrowser reports whether a new session ends with the browser. asked is the
// choice of the sign-in (api.ParamSessionCookie): a page can always ask for the end, and
// for more only where the workspace lets people choose.
func (s SignIn) EndsWithBrowser(asked string) bool {
	switch asked {
	case "true":
		return true
	case "false":
		return s.SessionCookie && !s.StaySignedIn
	}
	return s.SessionCookie
}

// MostSessions is the largest SignIn.MaxSessions.
const MostSessions = 100
