package serverapi

import (
	"net/http"

	"github.com/tabard-auth/tabard/backend/web"
)

// Action handles a route: it reads the request, runs an operation and returns the
// response.
type Action[On any] struct {
	Run    func(On, *Call) (any, error)
	status int // 0 means 200
}

// boundAction is an action with its target.
type boundAction struct {
	status int
	run    func(*Call) (any, error)
}

func (a Action[On]) bind(on On) boundAction {
	return boundAction{a.status, func(c *Call) (any, error) { return a.Run(on, c) }}
}

// Created makes an action respond with 201.
func Created[On any](a Action[On]) Action[On] { return Action[On]{a.Run, http.StatusCreated} }

// NoContent makes an action respond with 204 and no body.
func NoContent[On any](a Action[On]) Action[On] { return Action[On]{a.Run, http.StatusNoContent} }

// maxDepth is the deepest nesting of a body: a connection, its provisioning, a list of
// groups, each with a list of roles.
const maxDepth = 5

// WithBody returns an action that decodes the request's body.
func WithBody[On, In, T any](run func(On, *Call, In) (T, error)) Action[On] {
	return Action[On]{Run: func(on On, c *Call) (any, error) {
		var body In
		if err := web.Read(c.W, c.R, &body, maxDepth); err != nil {
			return nil, err
		}
		return run(on, c, body)
	}}
}

// maxDocumentDepth is the deepest nesting of a part of a workspace file: a workspace, its
// apps, the claims of one, an object with members, one of them with a fixed value.
const maxDocumentDepth = 12

// WithDocument is WithBody for a part of a workspace file. The request is authenticated
// before it is read.
func WithDocument[On, In, T any](run func(On, *Call, In) (T, error)) Action[On] {
	return Action[On]{Run: func(on On, c *Call) (any, error) {
		var body In
		if err := web.ReadDocument(c.W, c.R, &body, maxDocumentDepth); err != nil {
			return nil, err
		}
		return run(on, c, body)
	}}
}
