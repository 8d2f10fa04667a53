package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// sizeFlags make a module smaller by 4 % of its brotli: they disable inlining. A module
// waits for the network and the person, not for its own calls. The runtime is still
// inlined, because a browser compiles each function at its first call, and a start
// calls hundreds of the runtime's.
var sizeFlags = []string{"-gcflags=all=-l", "-gcflags=runtime="}

// collectorSetting selects the garbage collector of before Go 1.26, which takes 9 KB of
// brotli less and is as good for a heap of some megabytes. Only Go 1.26 has both.
func collectorSetting() (setting string, err error) {
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(string(version), "go1.26") {
		return "GOEXPERIMENT=", nil
	}
	return "GOEXPERIMENT=nogreenteagc", nil
}

// buildModule compiles the browser module.
func buildModule(root string, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "tabard-overlay-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	overlay, err := writeGodebugOverlay(dir)
	if err != nil {
		return nil, err
	}
	collector, err := collectorSetting()
	if err != nil {
		return nil, err
	}
	return buildWasm(root, "./wasm", []string{collector}, slices.Concat([]string{"-overlay", overlay}, sizeFlags, flags)...)
}

// buildWasm compiles a package to WebAssembly.
func buildWasm(root, pkg string, env []string, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "tabard-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "module.wasm")
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = root
	cmd.Env = slices.Concat(os.Environ(), []string{"GOOS=js", "GOARCH=wasm"}, env)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return os.ReadFile(out)
}

// wasmExec is the toolchain's own glue: it must be of the Go that built the module.
func wasmExec() ([]byte, error) {
	goroot, err := goroot()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
}

func goroot() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
}

// beside leaves what a bundle imports when it is used to a file beside it.
var beside = api.Plugin{Name: "beside", Setup: func(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `^\./`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		if a.Kind != api.ResolveJSDynamicImport {
			return api.OnResolveResult{}, nil
		}
		return api.OnResolveResult{Path: a.Path, External: true}, nil
	})
}}

// bundle makes one small file of an entry of the npm package, which may read assets as
// import.meta.assets.
func bundle(dir, entry, assets string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     dir,
		EntryPoints:       []string{entry},
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone,
		Plugins:           []api.Plugin{beside},
		Define:            map[string]string{"import.meta.assets": assets, "import.meta.served": "true"},
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
	}
	return result.OutputFiles[0].Contents, nil
}
