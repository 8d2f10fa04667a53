package workspacefile

import (
	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/page"
)

// pages reads the texts of the sign-in's pages, by language.
func (f *file) pages(n *yaml.Node) page.Texts {
	texts := page.Texts{}
	f.members(n, func(language, all *yaml.Node) {
		own := map[page.Key]string{}
		f.members(all, func(key, text *yaml.Node) { own[page.Key(key.Value)] = f.text(text) })
		texts[language.Value] = own
	})
	return texts
}
