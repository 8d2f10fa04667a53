// Package adminapi is the administration API, below /admin/v1. routes.go lists its
// routes; package admin implements the operations.
package adminapi

import (
	_ "embed"
	"net/http"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/serverapi"
)

// Path is the path of the API below the backend's base URL.
const Path = "/admin/v1"

// Document describes the API (OpenAPI 3.1).
//
//go:embed openapi.json
var Document []byte

// New returns the handler of the API, mounted at the public URL's path and Path.
func New(c serverapi.Config, o *admin.Service) (http.Handler, error) {
	return serverapi.Handler(c, serverapi.API[*admin.Service]{
		Path: Path, Kind: admin.Administration, Routes: Routes, Target: o, Document: Document,
	})
}
