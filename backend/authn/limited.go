package authn

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/limits"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// checkHeader refuses a navigation with too large a header by a page. The host refuses
// other requests.
func checkHeader(c *Request) error {
	if !wantsPage(c) {
		return nil
	}
	return web.CheckHeader(c.R)
}

// limited refuses a request that is beyond a limit of its host. Pages of a registered
// origin read the refusal.
func limited(c *Request) error {
	wait := limits.Exceeded(c.Ctx)
	if wait == 0 {
		return nil
	}
	if origin, named := SingleHeader(c.R.Header, "Origin"); named && origin != c.Origin {
		if err := findApp(c, origin); err != nil {
			return err
		}
		c.allowOrigin(origin)
	}
	r := refusal.New(api.RateLimited, "There were too many requests. Wait a moment.")
	r.RetryAfter = wait
	return r
}
