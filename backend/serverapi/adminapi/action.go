package adminapi

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/serverapi"
)

type (
	service = admin.Service
	actor   = admin.Actor
	call    = serverapi.Call
	action  = serverapi.Action[*service]
)

var (
	route     = serverapi.NewRoute[*service]
	created   = serverapi.Created[*service]
	noContent = serverapi.NoContent[*service]
)

// The shapes of actions, by the path's wildcards: none (forWorkspace), one (byID), or
// one within another (within); the same with a body, and as lists.

func forWorkspace[T any](run func(*service, context.Context, actor) (T, error)) action {
	return action{Run: func(o *service, c *call) (any, error) { return run(o, c.Context(), c.Actor) }}
}

func byID[T any](name string, run func(*service, context.Context, actor, string) (T, error)) action {
	return action{Run: func(o *service, c *call) (any, error) { return run(o, c.Context(), c.Actor, c.R.PathValue(name)) }}
}

func within[T any](outer, inner string, run func(*service, context.Context, actor, string, string) (T, error)) action {
	return action{Run: func(o *service, c *call) (any, error) {
		return run(o, c.Context(), c.Actor, c.R.PathValue(outer), c.R.PathValue(inner))
	}}
}

func withBody[In, T any](run func(*service, context.Context, actor, In) (T, error)) action {
	return serverapi.WithBody(func(o *service, c *call, body In) (T, error) { return run(o, c.Context(), c.Actor, body) })
}

func withDocument[In, T any](run func(*service, context.Context, actor, In) (T, error)) action {
	return serverapi.WithDocument(func(o *service, c *call, body In) (T, error) { return run(o, c.Context(), c.Actor, body) })
}

func byIDWithDocument[In, T any](name string, run func(*service, context.Context, actor, string, In) (T, error)) action {
	return serverapi.WithDocument(func(o *service, c *call, body In) (T, error) {
		return run(o, c.Context(), c.Actor, c.R.PathValue(name), body)
	})
}

func byIDWithBody[In, T any](name string, run func(*service, context.Context, actor, string, In) (T, error)) action {
	return serverapi.WithBody(func(o *service, c *call, body In) (T, error) {
		return run(o, c.Context(), c.Actor, c.R.PathValue(name), body)
	})
}

func withinWithBody[In, T any](outer, inner string, run func(*service, context.Context, actor, string, string, In) (T, error)) action {
	return serverapi.WithBody(func(o *service, c *call, body In) (T, error) {
		return run(o, c.Context(), c.Actor, c.R.PathValue(outer), c.R.PathValue(inner), body)
	})
}

func listAll[T any](run func(*service, context.Context, actor, admin.Page) (admin.List[T], error)) action {
	return listAction(func(o *service, c *call, p admin.Page) (admin.List[T], error) {
		return run(o, c.Context(), c.Actor, p)
	})
}

func listWithin[T any](name string, run func(*service, context.Context, actor, string, admin.Page) (admin.List[T], error)) action {
	return listAction(func(o *service, c *call, p admin.Page) (admin.List[T], error) {
		return run(o, c.Context(), c.Actor, c.R.PathValue(name), p)
	})
}

func listAction[T any](run func(*service, *call, admin.Page) (admin.List[T], error)) action {
	return action{Run: func(o *service, c *call) (any, error) {
		p, _, err := parsePage(c)
		if err != nil {
			return nil, err
		}
		all, err := run(o, c, p)
		return linkNext(c, all, err)
	}}
}

// defaultLimit is the limit of a request without one.
const defaultLimit = 50

// parsePage reads the page and the query. The query may have the further parameters
// named, and no others.
func parsePage(c *call, further ...string) (admin.Page, url.Values, error) {
	q, err := url.ParseQuery(c.R.URL.RawQuery)
	if err != nil {
		return admin.Page{}, nil, refusal.New(api.InvalidRequest, "The query is not well-formed.")
	}
	for name, values := range q {
		if len(values) > 1 || name != "limit" && name != "after" && !slices.Contains(further, name) {
			return admin.Page{}, nil, refusal.New(api.InvalidRequest, "The query has an unknown or a repeated parameter.")
		}
	}
	limit, err := parseNumber(q, "limit", defaultLimit)
	if err != nil || limit > admin.MaxLimit {
		return admin.Page{}, nil, refusal.New(api.InvalidRequest, "limit must be from 1 to "+strconv.Itoa(admin.MaxLimit)+".")
	}
	return admin.Page{After: q.Get("after"), Limit: int(limit)}, q, nil
}

// parseNumber reads a whole number from the query.
func parseNumber(q url.Values, name string, absent int64) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 53)
	if err != nil || n < 0 {
		return 0, refusal.New(api.InvalidRequest, name+" must be a whole number, 0 or more.")
	}
	return n, nil
}

// linkNext adds a link to the next page (RFC 8288). The link is relative, so that it
// does not depend on the request's headers.
func linkNext[T any](c *call, all admin.List[T], err error) (any, error) {
	if err == nil && all.Next != "" {
		q := c.R.URL.Query()
		q.Set("after", all.Next)
		c.W.Header().Set("Link", "<?"+q.Encode()+`>; rel="next"`)
	}
	return all, err
}
