package login

import "encoding/json"

// cookieAttempt is the format of the previous release: sealed in a cookie for each
// attempt, whose name derives from the attempt's ID. The ID is the state. It is read
// for one release.
type cookieAttempt struct {
	ID           string `json:"id"`
	Nonce        string `json:"nonce"`
	Verifier     string `json:"verifier"`
	App          string `json:"app"`
	ReturnTo     string `json:"return_to"`
	CreatedAt    int64  `json:"created_at"`
	MaxAge       *int64 `json:"max_age,omitempty"`
	JKT          string `json:"jkt,omitempty"`
	ACRValues    string `json:"acr_values,omitempty"`
	Organization string `json:"organization,omitempty"`
	Chosen       bool   `json:"chosen,omitempty"`
	Connection   string `json:"connection,omitempty"`
	Session      string `json:"session,omitempty"`
	Proven       bool   `json:"proven,omitempty"`
}

// OpenCookie opens an attempt of the previous release from its cookie, for the state of
// the callback. An attempt older than AttemptLife is returned with ErrAttemptTooOld.
func (s Attempts) OpenCookie(cookie, name, state string, now int64) (Attempt, error) {
	plain, err := s.Sealer.Open(cookie, name)
	if err != nil {
		return Attempt{}, ErrAttempt
	}
	var k cookieAttempt
	if err := json.Unmarshal(plain, &k); err != nil || k.ID != state {
		return Attempt{}, ErrAttempt
	}
	a := Attempt{
		ID: k.ID, State: k.ID, Nonce: k.Nonce, Verifier: k.Verifier, App: k.App, ReturnTo: k.ReturnTo, CreatedAt: k.CreatedAt,
		MaxAge: k.MaxAge, JKT: k.JKT, ACRValues: k.ACRValues, Organization: k.Organization, Chosen: k.Chosen,
		Connection: k.Connection, Session: k.Session, Proven: k.Proven,
	}
	if now-a.CreatedAt > AttemptLife {
		return a, ErrAttemptTooOld
	}
	return a, nil
}
