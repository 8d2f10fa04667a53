package tab

import "github.com/tabard-auth/tabard/backend/api"

// Sessions fetches the person's sessions in all their browsers, the newest first.
func (t *Tab) Sessions() ([]api.DeviceSession, *Error) {
	v, err := t.request("GET", api.PathSessions)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err.signsOut() {
		t.signedOut(err)
	}
	return DecodeSessionsResponse(v).Sessions, err
}

// EndSession ends one of the person's sessions, by id. If it is this browser's own,
// every tab is signed out.
func (t *Tab) EndSession(id string) *Error {
	_, err := t.request("DELETE", api.PathSessions+"/"+id)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err.signsOut():
		t.signedOut(err)
	case err == nil && id == t.binding.record.Session:
		t.signedOut(nil)
		t.epoch.tell()
	}
	return err
}

// request sends a request about the session, and repeats it if the computer slept
// meanwhile.
func (t *Tab) request(method, path string) (v Value, err *Error) {
	for range maxAttempts {
		t.mu.Lock()
		t.checkSleep()
		c := t.newCallLocked()
		t.mu.Unlock()
		if v, err = t.send(c, method, path, ""); err != errOutdated {
			return v, err
		}
	}
	return nil, unavailable(alwaysOutdated)
}
