package serverapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// action is what a route does: it reads the request, calls the office and returns
// the answer.
type action struct {
	status int // 0 means 200
	run    func(*call) (any, error)
}

type actor = admin.Actor

// makes answers with what was made.
func makes(a action) action { return action{http.StatusCreated, a.run} }

// ends answers with nothing.
func ends(a action) action { return action{http.StatusNoContent, a.run} }

// The shapes of the office's acts: gets of the whole, of something that the path
// names, and of something in something; the same with a body, and with a page.

func gets[T any](run func(*office, context.Context, actor) (T, error)) action {
	return action{run: func(c *call) (any, error) { return run(c.office, c.ctx, c.by) }}
}

func of[T any](name string, run func(*office, context.Context, actor, string) (T, error)) action {
	return action{run: func(c *call) (any, error) { return run(c.office, c.ctx, c.by, c.r.PathValue(name)) }}
}

func in[T any](outer, inner string, run func(*office, context.Context, actor, string, string) (T, error)) action {
	return action{run: func(c *call) (any, error) {
		return run(c.office, c.ctx, c.by, c.r.PathValue(outer), c.r.PathValue(inner))
	}}
}

func takes[In, T any](run func(*office, context.Context, actor, In) (T, error)) action {
	return reading(func(c *call, body In) (T, error) { return run(c.office, c.ctx, c.by, body) })
}

func takesOf[In, T any](name string, run func(*office, context.Context, actor, string, In) (T, error)) action {
	return reading(func(c *call, body In) (T, error) { return run(c.office, c.ctx, c.by, c.r.PathValue(name), body) })
}

func takesIn[In, T any](outer, inner string, run func(*office, context.Context, actor, string, string, In) (T, error)) action {
	return reading(func(c *call, body In) (T, error) {
		return run(c.office, c.ctx, c.by, c.r.PathValue(outer), c.r.PathValue(inner), body)
	})
}

func reading[In, T any](run func(*call, In) (T, error)) action {
	return action{run: func(c *call) (any, error) {
		var body In
		if err := web.Read(c.w, c.r, &body, maxDepth); err != nil {
			return nil, err
		}
		return run(c, body)
	}}
}

func list[T any](run func(*office, context.Context, actor, admin.Page) (admin.List[T], error)) action {
	return listing(func(c *call, p admin.Page) (admin.List[T], error) {
		return run(c.office, c.ctx, c.by, p)
	})
}

func listOf[T any](name string, run func(*office, context.Context, actor, string, admin.Page) (admin.List[T], error)) action {
	return listing(func(c *call, p admin.Page) (admin.List[T], error) {
		return run(c.office, c.ctx, c.by, c.r.PathValue(name), p)
	})
}

func listing[T any](run func(*call, admin.Page) (admin.List[T], error)) action {
	return action{run: func(c *call) (any, error) {
		p, _, err := c.page()
		if err != nil {
			return nil, err
		}
		all, err := run(c, p)
		return paged(c, all, err)
	}}
}

// defaultLimit is how many a page holds where nothing is said.
const defaultLimit = 50

// page reads which page is wanted, and the query with it, which has these further
// parameters at most.
func (c *call) page(further ...string) (admin.Page, url.Values, error) {
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return admin.Page{}, nil, refusal.New(api.InvalidRequest, "The query is not well-formed.")
	}
	for name, values := range q {
		if len(values) > 1 || name != "limit" && name != "after" && !slices.Contains(further, name) {
			return admin.Page{}, nil, refusal.New(api.InvalidRequest, "The query has a parameter that is not known, or twice.")
		}
	}
	limit, err := number(q, "limit", defaultLimit)
	if err != nil || limit > admin.MaxLimit {
		return admin.Page{}, nil, refusal.New(api.InvalidRequest, "The limit is from 1 to "+strconv.Itoa(admin.MaxLimit)+".")
	}
	return admin.Page{After: q.Get("after"), Limit: int(limit)}, q, nil
}

// number reads a natural number of the query.
func number(q url.Values, name string, absent int64) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 53)
	if err != nil || n < 0 {
		return 0, refusal.New(api.InvalidRequest, name+" is not a number.")
	}
	return n, nil
}

// paged links to the next page (RFC 8288), in words relative to this one: no header
// of a request builds a URL.
func paged[T any](c *call, all admin.List[T], err error) (any, error) {
	if err == nil && all.Next != "" {
		q := c.r.URL.Query()
		q.Set("after", all.Next)
		c.w.Header().Set("Link", "<?"+q.Encode()+`>; rel="next"`)
	}
	return all, err
}
