// Command keep puts the hashed files of another release's client beside those of this one, so
// that while two releases are deployed each serves what the pages of the other ask for.
//
//	go run ./keep https://app.example.com/auth    from the release that is deployed
//	go run ./keep ../../new/js/dist               from a release that will be
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	to := flag.String("to", "../js/dist", "`folder` of this release's client")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: keep [-to FOLDER] URL|FOLDER")
		os.Exit(2)
	}
	if err := keep(flag.Arg(0), *to); err != nil {
		fmt.Fprintln(os.Stderr, "keep: "+err.Error())
		os.Exit(1)
	}
}

// manifest is the part of module.json that names hashed files.
type manifest map[string]json.RawMessage

type hashedFile struct{ URL, Integrity string }

// hashed is a name that the build made of its file's content (../client.mjs).
var hashed = regexp.MustCompile(`^[a-z]+\.[0-9a-f]{16}\.[a-z]+$`)

// encodings are the forms in which the build compressed each file.
var encodings = map[string]string{"": "identity", ".br": "br", ".gz": "gzip"}

// keep copies the hashed files that the client at a place names into a folder.
func keep(from, to string) error {
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
	for _, suffix := range []string{".br", ".gz", ""} {
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
