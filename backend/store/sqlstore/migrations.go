package sqlstore

import "embed"

// Migrations are the schema's changes, forward only, one folder a dialect. They
// are in goose's format without a Down section, so that wrangler applies the same
// files to D1.
//
//go:embed migrations
var Migrations embed.FS
