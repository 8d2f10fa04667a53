package browser

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestTheme_ColorOfEachOrganization: each organization has a color of its
// own in the demo.
func TestTheme_ColorOfEachOrganization(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	var ids []string
	for _, found := range regexp.MustCompile(`(?m)id: (org_\w+)$`).FindAllStringSubmatch(d.Workspace(t), -1) {
		ids = append(ids, found[1])
	}
	names, err := json.Marshal(ids)
	if err != nil || len(ids) < 5 {
		t.Fatalf("the demo has the organizations %v, %v", ids, err)
	}
	tab := chrome.New(t)
	chrome.Go(t, tab, d.Origin)
	hues := chrome.Eval[[]float64](t, tab, `import("/theme.js").then(({ badge }) =>
		`+string(names)+`.map((id) => Number(badge({ id, name: id }).style.getPropertyValue("--hue"))))`)
	slices.Sort(hues)
	for i, hue := range hues {
		next := hues[(i+1)%len(hues)]
		if apart := int(next-hue+360) % 360; apart < 25 {
			t.Errorf("two of the hues %.0f are %d degrees apart", hues, apart)
		}
	}
}
