package tab

import "github.com/tabard-auth/tabard/backend/api"

// Sessions asks for the person's sessions in all their browsers, the newest first.
func (t *Tab) Sessions() ([]api.DeviceSession, *Error) {
	v, err := t.ask("GET", api.PathSessions)
	return DecodeSessionsResponse(v).Sessions, err
}

// EndSession ends one of the person's sessions, by id. Where it is this browser's
// own, every tab finds itself signed out.
func (t *Tab) EndSession(id string) *Error {
	_, err := t.ask("DELETE", api.PathSessions+"/"+id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && id == t.record.Session {
		t.signedOut(nil)
		t.world.Channel.Send(lookAgain)
	}
	return err
}

// ask sends a request about the session; a refusal means for the tab what it means
// of a mint.
func (t *Tab) ask(method, path string) (Value, *Error) {
	t.mu.Lock()
	t.wake()
	c := t.call()
	t.mu.Unlock()
	v, err := t.send(c, method, path, "")
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && err.Action == api.SignIn {
		t.signedOut(err)
	}
	return v, err
}
