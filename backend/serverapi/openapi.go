package serverapi

import (
	_ "embed"
	"net/http"
)

// Document describes the API (OpenAPI 3.1).
//
//go:embed openapi.json
var Document []byte

// documentPath is where the document lies, for everybody to read.
const documentPath = "/openapi.json"

func document(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(Document)
}
