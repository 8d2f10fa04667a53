package serverapi

import (
	"net/http"

	"github.com/tabard-auth/tabard/backend/web"
)

// Action is what a route does: it reads the request, acts and returns the answer.
type Action[On any] struct {
	Run    func(On, *Call) (any, error)
	status int // 0 means 200
}

// bound is an action that knows what it is done on.
type boundAction struct {
	status int
	run    func(*Call) (any, error)
}

func (a Action[On]) bind(on On) boundAction {
	return boundAction{a.status, func(c *Call) (any, error) { return a.Run(on, c) }}
}

// Created answers with what was made.
func Created[On any](a Action[On]) Action[On] { return Action[On]{a.Run, http.StatusCreated} }

// NoContent answers with nothing.
func NoContent[On any](a Action[On]) Action[On] { return Action[On]{a.Run, http.StatusNoContent} }

// maxDepth is how deep a body may be: a connection, its provisioning, a list of groups,
// each with a list of roles.
const maxDepth = 5

// WithBody is an action that reads the request's body.
func WithBody[On, In, T any](run func(On, *Call, In) (T, error)) Action[On] {
	return Action[On]{Run: func(on On, c *Call) (any, error) {
		var body In
		if err := web.Read(c.W, c.R, &body, maxDepth); err != nil {
			return nil, err
		}
		return run(on, c, body)
	}}
}
