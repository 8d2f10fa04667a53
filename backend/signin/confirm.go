package signin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// fromAppPage reports whether a page of the backend or of a registered origin started
// the navigation. Links in messages, bookmarks and foreign pages must not replace the
// session of the user who follows them (ASVS 5.0, 7.6.2; RFC 9700 section 4.7).
//
//	Sec-Fetch-Site   Referer must be
//	same-origin      anything
//	same-site        of a registered origin
//	absent           of a registered origin, or of the backend's own
//	anything else    not accepted
//
// A page that acts for one organization alone starts only sign-ins that return to its own
// origin. A browser that sends neither header gets the same page as for a foreign link.
func fromAppPage(c *authn.Request, query url.Values) (bool, error) {
	site, sent := authn.SingleHeader(c.R.Header, "Sec-Fetch-Site")
	switch {
	case site == "same-origin":
		return true, nil
	case sent && site != "same-site":
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
	_, slug, known := w.AppByOrigin(origin)
	return known && (slug == "" || publicurl.OriginOf(query.Get(api.ParamReturnTo)) == origin), nil
}

// confirm answers a foreign link with a page that asks the user whether to continue. A
// link with prompt=none is refused; the page's link then continues without it.
func confirm(c *authn.Request, query url.Values) error {
	const text = "Start the sign-in from a page of the app."
	if !strings.Contains(c.R.Header.Get("Accept"), "text/html") {
		return refusal.New(api.OriginNotAllowed, text)
	}
	if _, err := parseRequest(c, query); err != nil { // what would be refused later is refused at once
		return err
	}
	p := page.Page{Kind: page.Foreign, Status: http.StatusOK}
	if query.Get(api.ParamPrompt) == "none" {
		p.Kind, p.Status, p.Code = page.Silent, http.StatusForbidden, string(api.OriginNotAllowed)
		c.Record.Refusal = refusal.New(api.OriginNotAllowed, text)
		query.Del(api.ParamPrompt)
	}
	query.Del(api.ParamAsk)
	query.Del(api.ParamUser)                          // the link must not start a step-up
	query.Del(api.ParamAccount)                       // or add a person
	if query.Get(api.ParamSessionCookie) == "false" { // the person's choice, not the link's
		query.Del(api.ParamSessionCookie)
	}
	query.Set(api.ParamFollowed, "1")
	p.Links = append([]page.Link{{Label: page.Continue, URL: c.Issuer + api.PathLogin + "?" + query.Encode()}}, c.HomeLinks()...)
	c.WritePage(p)
	return nil
}
