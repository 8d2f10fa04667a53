// Command keep keeps the hashed files of other releases' clients, so that while two releases are
// deployed each serves what the pages of the other ask for.
//
//	go run ./keep https://app.example.com/auth    keeps those of the release that is deployed
//	go run ./keep ../../new/js/dist               keeps those of a release that will be
//	go run ./keep                                 puts all that were kept beside those of this release
//
// What is kept has a folder of its own, because a build empties the client's. Wrangler's build
// ends with the third form.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	kept := flag.String("kept", "kept", "`folder` of what is kept")
	to := flag.String("to", "../js/dist", "`folder` of this release's client")
	flag.Parse()
	var err error
	switch flag.NArg() {
	case 0:
		err = install(*kept, *to)
	case 1:
		err = keep(flag.Arg(0), *kept)
	default:
		fmt.Fprintln(os.Stderr, "usage: keep [-kept FOLDER] URL|FOLDER, or keep [-kept FOLDER] [-to FOLDER]")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "keep: "+err.Error())
		os.Exit(1)
	}
}

// install copies what is kept into a client's folder, the plain form of each file last.
func install(kept, to string) error {
	entries, err := os.ReadDir(kept)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !hashed.MatchString(entry.Name()) {
			continue
		}
		if err := copyForms(kept, to, entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

// copyForms copies a kept file in all its forms.
func copyForms(kept, to, name string) error {
	for _, suffix := range forms {
		text, err := os.ReadFile(filepath.Join(kept, name+suffix))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name+suffix), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// manifest is the part of module.json that names hashed files.
type manifest map[string]json.RawMessage

type hashedFile struct{ URL, Integrity string }

// hashed is a name that the build made of its file's content (../client.mjs).
var hashed = regexp.MustCompile(`^[a-z]+\.[0-9a-f]{16}\.[a-z]+$`)

// encodings are the forms in which the build compressed each file.
var encodings = map[string]string{"": "identity", ".br": "br", ".gz": "gzip"}

// forms are the suffixes in the order of writing: where the plain file is, all are.
var forms = []string{".br", ".gz", ""}

// keep copies the hashed files that the client at a place names into a folder.
func keep(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	text, err := read(from, "module.json", "")
	if err != nil {
		return err
	}
	var named manifest
	if err := json.Unmarshal(text, &named); err != nil {
		return fmt.Errorf("module.json: %w", err)
	}
	for _, raw := range named {
		var file hashedFile
		if json.Unmarshal(raw, &file) != nil || !hashed.MatchString(file.URL) {
			continue
		}
		if err := keepFile(from, to, file); err != nil {
			return err
		}
	}
	return nil
}

// keepFile copies a file in all its forms, the plain one last: it is checked first.
func keepFile(from, to string, file hashedFile) error {
	plain, err := read(from, file.URL, "")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(plain)
	if "sha256-"+base64.StdEncoding.EncodeToString(sum[:]) != file.Integrity {
		return fmt.Errorf("%s is not what module.json says", file.URL)
	}
	for _, suffix := range forms {
		text, err := read(from, file.URL, suffix)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file.URL+suffix), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	fmt.Println("kept", file.URL)
	return nil
}

// read reads a file of a client, in one of its forms, from its backend or a folder.
func read(from, name, suffix string) ([]byte, error) {
	if !strings.Contains(from, "://") {
		return os.ReadFile(filepath.Join(from, name+suffix))
	}
	r, err := http.NewRequest(http.MethodGet, strings.TrimSuffix(from, "/")+"/client/"+name, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", encodings[suffix])
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if got := response.Header.Get("Content-Encoding"); err == nil && (response.StatusCode != http.StatusOK || suffix != "" && got != encodings[suffix]) {
		err = fmt.Errorf("%s: %s, Content-Encoding %q", r.URL, response.Status, got)
	}
	return text, err
}
