package signin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// fromAppPage reports whether a page of the workspace's began the navigation: the backend's
// own, or that of a registered origin. A link in a message, a bookmark and a foreign page
// are somebody else's, who would replace the session of whoever follows it (ASVS 5.0,
// 7.6.2; RFC 9700 section 4.7).
//
//	Sec-Fetch-Site   Referer must be
//	same-origin      anything
//	same-site        of a registered origin
//	absent           of a registered origin, or of the backend's own
//	anything else    is not from here
//
// A browser that tells neither meets the page, as a foreign link does.
func fromAppPage(c *authn.Request) (bool, error) {
	site, told := authn.SingleHeader(c.R.Header, "Sec-Fetch-Site")
	switch {
	case site == "same-origin":
		return true, nil
	case told && site != "same-site":
		return false, nil
	}
	referer, err := url.Parse(c.R.Header.Get("Referer"))
	if err != nil || referer.Host == "" {
		return false, nil
	}
	origin := referer.Scheme + "://" + strings.ToLower(referer.Host)
	if origin == c.Origin {
		return true, nil
	}
	w, err := c.Current(c.Ctx, authn.Latest)
	if err != nil {
		return false, err
	}
	_, known := w.AppByOrigin(origin)
	return known, nil
}

// confirm answers a foreign link with a page that asks whether to go on. A link that wants
// nobody to be asked is refused, and the page goes on without that wish.
func confirm(c *authn.Request, query url.Values) error {
	const text = "A sign-in begins in the app's own page."
	if !strings.Contains(c.R.Header.Get("Accept"), "text/html") {
		return refusal.New(api.OriginNotAllowed, text)
	}
	if _, err := returnURL(c, query.Get(api.ParamApp), query.Get(api.ParamReturnTo)); err != nil {
		return err
	}
	p := page.Page{Kind: page.Foreign, Status: http.StatusOK}
	if query.Get(api.ParamPrompt) == "none" {
		p.Kind, p.Status, p.Code = page.Silent, http.StatusForbidden, string(api.OriginNotAllowed)
		c.Record.Refusal = refusal.New(api.OriginNotAllowed, text)
		query.Del(api.ParamPrompt)
	}
	query.Del(api.ParamUser) // it raises nobody's session
	query.Set(api.ParamFollowed, "1")
	p.Links = append([]page.Link{{Label: page.Continue, URL: c.Issuer + api.PathLogin + "?" + query.Encode()}}, c.HomeLinks()...)
	c.WritePage(p)
	return nil
}
