package audit

// Companion is an event about a change. A store that takes several statements at once
// records it with the change, in one transaction, and sets Recorded. Otherwise, the caller
// records it after the change.
type Companion struct {
	Event
	Recorded bool
}
