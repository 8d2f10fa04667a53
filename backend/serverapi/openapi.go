package serverapi

import "net/http"

// documentPath is the path of an API's document, which needs no key.
const documentPath = "/openapi.json"

func document(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("Content-Type", "application/json")
		h.Set("X-Content-Type-Options", "nosniff")
		w.Write(text)
	}
}
