package directory

import "errors"

// Revalidation says how often a provider is asked whether it still knows the people who
// signed in there. The zero value asks nothing.
type Revalidation struct {
	// Revalidate is the time between two answers, in seconds.
	Revalidate int64 `json:"revalidate,omitempty"`
	// RevalidateGrace is how long a session goes on without an answer, in seconds; 0 is
	// DefaultRevalidateGrace.
	RevalidateGrace int64 `json:"revalidate_grace,omitempty"`
}

// The limits of the settings, in seconds.
const (
	LeastRevalidate        = 60
	MostRevalidate         = 24 * 60 * 60
	MostRevalidateGrace    = 7 * 24 * 60 * 60
	DefaultRevalidateGrace = 24 * 60 * 60
)

// GraceOrDefault returns how long a session goes on without an answer, in seconds: at
// least the time between two answers.
func (r Revalidation) GraceOrDefault() int64 {
	grace := r.RevalidateGrace
	if grace == 0 {
		grace = DefaultRevalidateGrace
	}
	return max(grace, r.Revalidate)
}

// Check returns an error for people if a value is out of range.
func (r Revalidation) Check() error {
	switch {
	case r.Revalidate != 0 && (r.Revalidate < LeastRevalidate || r.Revalidate > MostRevalidate):
		return errors.New("revalidate must be between 1m and 24h: how often the provider is asked whether it still knows the person")
	case r.RevalidateGrace != 0 && r.Revalidate == 0:
		return errors.New("revalidate_grace needs revalidate")
	case r.RevalidateGrace != 0 && (r.RevalidateGrace < r.Revalidate || r.RevalidateGrace > MostRevalidateGrace):
		return errors.New("revalidate_grace must be between the value of revalidate and 168h: how long a session goes on without the provider's answer")
	}
	return nil
}
