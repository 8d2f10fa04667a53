// Package js embeds what a web page loads from the backend: the browser module
// and the face, as go run ./js/build leaves them in dist, and serves them.
package js

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// Files are the built files, with their compressed siblings (.br, .gz). Before
// the first build there are none; see [Built].
func Files() fs.FS {
	files, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // dist is a valid path: it stands in the embed directive
	}
	return files
}

// Built tells whether the module was built when this program was compiled.
func Built() bool {
	_, err := fs.Stat(Files(), "module.json")
	return err == nil
}
