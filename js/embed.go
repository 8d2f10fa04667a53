// Package js embeds and serves the files that a web page loads from the backend: the
// browser module and the client, as go run ./js/build writes them to dist.
package js

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// Files returns the built files with their compressed siblings (.br, .gz). Before the
// first build it is empty; see [Built].
func Files() fs.FS {
	files, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // dist is a valid path: the embed directive has it
	}
	return files
}

// Built reports whether the module was built before this program was compiled.
func Built() bool {
	_, err := fs.Stat(Files(), "module.json")
	return err == nil
}
