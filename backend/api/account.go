package api

// Account is a person who is signed in in a browser. Name is empty if the request proves
// none of the keys of the browser's sessions.
type Account struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Mark returns the part of a session's public id that stands in the name of its cookie.
func Mark(session string) string {
	const prefix, length = "ses_", 8
	if len(session) < len(prefix)+length {
		return ""
	}
	return session[len(prefix):][:length]
}
