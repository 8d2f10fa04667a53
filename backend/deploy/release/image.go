package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// user is whom the image runs as: nobody of the host.
const user = 65532

// image writes a container image from scratch that holds the binary alone, as docker
// load and podman load read it. Its root can be read-only.
func (t target) image(binary, path, version string) error {
	content, err := files(binary)
	if err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: t.os, Architecture: t.arch,
		Config: v1.Config{
			Entrypoint: []string{"/tabard"}, Cmd: []string{"serve"}, User: fmt.Sprintf("%d:%d", user, user), WorkingDir: "/var/lib/tabard",
			ExposedPorts: map[string]struct{}{"8787/tcp": {}}, StopSignal: "SIGTERM",
			Volumes: map[string]struct{}{"/var/lib/tabard": {}},
			Labels:  map[string]string{"org.opencontainers.image.version": version, "org.opencontainers.image.source": "https://github.com/tabard-auth/tabard"},
		},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(image)},
	})
	if err != nil {
		return err
	}
	tag, err := name.NewTag("tabard:" + version)
	if err != nil {
		return err
	}
	fmt.Println(path)
	return tarball.WriteToFile(path, tag, image)
}

func diffIDs(image v1.Image) []v1.Hash {
	config, err := image.ConfigFile()
	if err != nil {
		return nil // an image in memory has one
	}
	return config.RootFS.DiffIDs
}

// files are the image's: the binary and a folder for SQLite, which the user owns.
func files(binary string) ([]byte, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	w := tar.NewWriter(&all)
	for _, entry := range []struct {
		header  tar.Header
		content []byte
	}{
		{tar.Header{Name: "tabard", Mode: 0o555, Size: int64(len(program)), Typeflag: tar.TypeReg}, program},
		{tar.Header{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir}, nil},
		{tar.Header{Name: "var/", Mode: 0o755, Typeflag: tar.TypeDir}, nil},
		{tar.Header{Name: "var/lib/", Mode: 0o755, Typeflag: tar.TypeDir}, nil},
		{tar.Header{Name: "var/lib/tabard/", Mode: 0o700, Typeflag: tar.TypeDir, Uid: user, Gid: user}, nil},
	} {
		if err := w.WriteHeader(&entry.header); err != nil {
			return nil, err
		}
		if _, err := w.Write(entry.content); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), w.Close()
}
