package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/pflag"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/publicurl"
)

// patternSettings are what apply knows of the backend whose pages have an origin for each
// organization.
type patternSettings struct{ publicURL string }

func (p *patternSettings) flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringVar(&p.publicURL, "public-url", "", "public `URL` of the backend; origins of organizations must be on its site")
	return flags
}

// check refuses a pattern of origins that is not on the backend's site, where that is
// known, and says what each pattern trusts.
func (p *patternSettings) check(path string, w directory.Workspace, out io.Writer) error {
	for _, app := range w.Apps {
		pattern := app.OriginPattern()
		if pattern == "" {
			continue
		}
		if err := p.onSite(pattern); err != nil {
			return notAppliedError(path, fmt.Errorf("app %q: %w", app.ID, err))
		}
		fmt.Fprintf(out, "warning: app %q trusts the scripts of every host that %s stands for: each acts for the people\n"+
			"of its organization. Let the app alone serve them, and leave no DNS record that leads elsewhere.\n", app.ID, pattern)
		for _, slug := range w.TakenSlugs(app) {
			origin := directory.OriginFor(pattern, slug)
			other, _, _ := w.AppByOrigin(origin)
			fmt.Fprintf(out, "warning: %s is app %q's, so that an organization with the slug %q has no origin in app %q:\n"+
				"it is served at the app's own page. Choose another slug, or another origin for the app.\n", origin, other.ID, slug, app.ID)
		}
	}
	return nil
}

func (p *patternSettings) onSite(pattern string) error {
	if p.publicURL == "" {
		return nil
	}
	public, err := publicurl.Parse(p.publicURL)
	if err != nil {
		return errors.Join(errors.New("--public-url"), err)
	}
	origin, err := url.Parse(directory.OriginFor(pattern, "x"))
	if err != nil || domain.Site(origin) != domain.Site(public) {
		return fmt.Errorf("%s is on another site than the backend %s: browsers would not send the session's cookie", pattern, p.publicURL)
	}
	return nil
}
