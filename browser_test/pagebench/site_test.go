package pagebench

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/tabard-auth/tabard/browser_test/contract"
)

// site serves a page for each subject on one origin, with the backend below it. All
// files of a page are compressed in advance, have a hash of their content in their name
// and may be cached without limit, as the backend serves the module.
type site struct {
	origin string
	files  map[string]file
}

type file struct {
	mediaType string
	brotli    []byte
}

// newSite starts the site and the server's program.
func newSite(b *testing.B) *site {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &site{files: map[string]file{}}
	s.origin = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	server := contract.StartServerBehind(b, s.origin)
	mux := http.NewServeMux()
	mux.Handle("/auth/", httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server.Listen}))
	mux.HandleFunc("/kept/", s.kept)
	for _, one := range append(subjects(b, s), waiting(b, s)) {
		mux.HandleFunc("/"+one.name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><html lang=en><title>%s</title><link rel=icon href=data:,>%s\n<script type=module>%s</script>", one.name, one.head, one.script)
		})
	}
	front := &http.Server{Handler: mux}
	go front.Serve(listener)
	b.Cleanup(func() { front.Close() })
	return s
}

func (s *site) kept(w http.ResponseWriter, r *http.Request) {
	f, found := s.files[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.mediaType)
	w.Header().Set("Content-Encoding", "br")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Write(f.brotli)
}

// keep serves a file from now on and returns its address.
func (s *site) keep(name, mediaType string, content []byte) string {
	var compressed bytes.Buffer
	w := brotli.NewWriterLevel(&compressed, brotli.BestCompression)
	w.Write(content)
	w.Close()
	address := path.Join("/kept", name)
	s.files[address] = file{mediaType, compressed.Bytes()}
	return address
}

// bundle returns one file with a script and the libraries that it imports.
func bundle(b *testing.B, script string) []byte {
	b.Helper()
	result := api.Build(api.BuildOptions{
		Stdin:  &api.StdinOptions{Contents: script, ResolveDir: "."},
		Bundle: true, Format: api.FormatESModule, Target: api.ES2022, Platform: api.PlatformBrowser,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		LegalComments: api.LegalCommentsNone, Define: map[string]string{"process.env.NODE_ENV": `"production"`},
	})
	if len(result.Errors) > 0 {
		b.Fatal(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
	}
	return result.OutputFiles[0].Contents
}

// emptyProgram returns the Go runtime with a main function, and the toolchain's script that
// runs it.
func emptyProgram(b *testing.B, main string) (wasm, exec []byte) {
	b.Helper()
	folder := b.TempDir()
	for name, content := range map[string]string{"go.mod": "module empty\n", "main.go": "package main\n\n" + main + "\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	build := command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "empty.wasm", ".")
	build.Dir, build.Env = folder, append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	root, err := command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	return read(b, filepath.Join(folder, "empty.wasm")), read(b, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
}

func read(b *testing.B, name string) []byte {
	b.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	return content
}

var command = exec.Command

const settle = 300 * time.Millisecond // until a page that is ready has become idle
