package sqlstore

import "embed"

// Migrations are the schema's changes, forward only, in one folder for each dialect.
// They are in goose's format without a Down section, so that wrangler applies the same
// files to D1.
//
//go:embed migrations
var Migrations embed.FS
