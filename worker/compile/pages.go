package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/web"
)

// errorPages are the pages that the Worker shows where the program does not run, by the
// names that refusal.mjs uses: the error's code, or the page's kind. The operator's
// translations are in the database, so that the pages are in English.
func errorPages() (html map[string]string, headers map[string]string) {
	kinds := map[string]page.Kind{string(page.Crowded): page.Crowded}
	for _, code := range []api.Code{api.RateLimited, api.TemporarilyUnavailable, api.InvalidRequest} {
		kinds[string(code)] = authn.PageKind(code)
	}
	html, headers = map[string]string{}, map[string]string{}
	for name, kind := range kinds {
		w := httptest.NewRecorder()
		web.Secure(w.Header(), true)
		page.Write(w, &http.Request{}, page.Page{
			Kind: kind, Status: http.StatusOK, Code: "{code}", Detail: "{detail}",
			Links: []page.Link{{Label: nextLabels[kind], URL: "{next}"}},
		}, nil)
		html[name] = w.Body.String()
		for header, values := range w.Header() {
			headers[header] = values[0]
		}
	}
	return html, headers
}

// nextLabels are the labels of a page's link.
var nextLabels = map[page.Kind]page.Key{
	page.Busy: page.Retry, page.Unavailable: page.Retry, page.Crowded: page.Retry, page.Invalid: page.Again,
}

// writePages writes the pages as a JavaScript module into a folder.
func writePages(folder string) error {
	html, headers := errorPages()
	text, err := json.Marshal(map[string]any{"html": html, "headers": headers})
	if err != nil {
		return err
	}
	return install(filepath.Join(folder, "pages.mjs"), []byte("export default "+string(text)+";\n"))
}
