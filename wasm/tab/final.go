package tab

import (
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// final is the pause after a failure that waiting does not mend.
const final = 24 * time.Hour

// isSetup reports whether an error is a mistake in the setup, which waiting does not
// mend, if the backend has answered nothing else so far. Later it may be one replica of
// several that is out of date.
func (e *Error) isSetup() bool {
	return e != nil && (e.Code == api.OriginNotAllowed || e.Code == api.NotFound || e.Code == PublicURLMismatch)
}

// OnFinal is called when the client has found out why the backend cannot be used. The
// tab asks again when it is looked at.
func (t *Tab) OnFinal(code, description string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.binding.state.Status != Unavailable || t.answered {
		return
	}
	err := &Error{Code: api.Code(code), Action: api.Stop, Description: description}
	t.backoff.err, t.backoff.until = err, t.clock.now()+final
	t.show(Unavailable, err)
}

// resumeFinal ends the pause after a failure that waiting does not mend, and reports
// whether there was one.
func (t *Tab) resumeFinal() bool {
	if t.binding.state.Status != Unavailable || t.backoff.err == nil || t.backoff.err.Action != api.Stop || t.answered {
		return false
	}
	t.backoff.until = 0
	return true
}
