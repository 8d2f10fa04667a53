package doctor

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
)

const clientFiles = "client files"

// Names of the client's files, and the media types with which browsers run them.
const (
	moduleFile = "module.json"
	pageFile   = "tabard.js"

	javaScript  = "text/javascript"
	webAssembly = "application/wasm"
)

// clientFiles checks that the files that pages load arrive as the server sends them.
func (e *examination) clientFiles(ctx context.Context, base string) {
	const advice = "Let the proxy send everything below the public URL to the server, the files below /client/ too (nginx: no location ~ \\.js$ before it; location ^~ /auth/ takes precedence)."
	folder := base + api.PathClient
	var module api.Module
	if _, err := e.getJSON(ctx, folder+moduleFile, &module); err != nil || module.Wasm.URL == "" {
		e.add(clientFiles, Problem, advice, "%s: the server's file does not arrive: %v", folder+moduleFile, err)
		return
	}
	if e.releases = e.twoReleases(ctx, folder, module.Wasm.URL); e.releases {
		e.add(clientFiles, Warning, "Upgrade all servers to one release, and run this command again.",
			"the servers are of more than one release: a page that began at one asks another for files that it does not have")
		return
	}
	before := len(e.findings)
	page := e.clientFile(ctx, folder+pageFile, javaScript, "")
	if page != nil && !strings.Contains(page.header.Get("Cache-Control"), "no-cache") {
		e.add(clientFiles, Warning, "Let the proxy pass on Cache-Control unchanged (nginx: no expires there).",
			"%s arrives with Cache-Control: %s: browsers keep that of an older release", folder+pageFile, page.header.Get("Cache-Control"))
	}
	e.clientFile(ctx, folder+module.Exec.URL, javaScript, module.Exec.Integrity)
	if wasm := e.clientFile(ctx, folder+module.Wasm.URL, webAssembly, module.Wasm.Integrity); wasm != nil && wasm.header.Get("Content-Encoding") == "" {
		e.add(clientFiles, Warning, "Let the proxy pass on Accept-Encoding and Content-Encoding (nginx: no proxy_set_header Accept-Encoding).",
			"the module arrives uncompressed: %d KB in place of a sixth of that", module.Wasm.Bytes>>10)
	}
	if len(e.findings) == before {
		e.ok(clientFiles, "they arrive as the server sends them")
	}
}

// twoReleases reports whether servers name another module than the first one did.
func (e *examination) twoReleases(ctx context.Context, folder, first string) bool {
	for range leastAsks {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, folder+moduleFile, nil)
		if err != nil {
			return false // found before
		}
		request.Close = true // another connection may lead to another server
		var module api.Module
		if a, err := e.do(request); err == nil && a.readJSON(&module) == nil && module.Wasm.URL != "" && module.Wasm.URL != first {
			return true
		}
	}
	return false
}

// clientFile checks a file, of which module.json may tell the digest.
func (e *examination) clientFile(ctx context.Context, address, mediaType, integrity string) *answer {
	a, err := e.get(ctx, address, "Accept-Encoding", "gzip")
	if err != nil || a.status != http.StatusOK {
		e.add(clientFiles, Problem, "Let the proxy send it to the server.", "%s does not arrive: %v", address, unanswered(probed{answer: a}, err))
		return nil
	}
	if got, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); got != mediaType {
		e.add(clientFiles, Problem, "Let the proxy pass on Content-Type unchanged: browsers run nothing of another one.", "%s arrives as %q, not as %s", address, got, mediaType)
	}
	if content, err := a.content(); err != nil || integrity != "" && digest(content) != integrity {
		e.add(clientFiles, Problem, "Let the proxy change nothing in it (nginx: no sub_filter there; a CDN: no minifying).", "%s arrives changed: browsers refuse it", address)
	}
	return a
}

// content is the body without its compression.
func (a *answer) content() ([]byte, error) {
	switch a.header.Get("Content-Encoding") {
	case "":
		return a.body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(a.body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	return nil, errors.ErrUnsupported
}

// digest is the SHA-256 of a file in the form of Subresource Integrity.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
