package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/tabard-auth/tabard/js/build/gowasm"
)

// sizeFlags make a module smaller by 4 % of its brotli: they disable inlining. A module
// waits for the network and the person, not for its own calls. The runtime is still
// inlined, because a browser compiles each function at its first call, and a start
// calls hundreds of the runtime's.
var sizeFlags = []string{"-gcflags=all=-l", "-gcflags=runtime="}

// smallCollector selects the garbage collector of before Go 1.26, which takes 9 KB of
// brotli less and is as good for a heap of some megabytes.
const smallCollector = "GOEXPERIMENT=nogreenteagc"

// variant is how far a build goes from Go's own output.
type variant int

const (
	served variant = iota // as small as it gets
	debug                 // as served, with names and lines
	plain                 // Go's own runtime, library and linker output
)

// buildModule compiles the browser module. The served one has no names; symbols are
// the decoder for the stack of its panic or trap.
func buildModule(root, version string, v variant) (module, symbols []byte, err error) {
	p := moduleProgram(root, version)
	if v == served {
		p.Edits = slices.Concat(p.Edits, gowasm.WithoutTracebacks)
	}
	switch v {
	case plain:
		module, err = gowasm.Program{Dir: p.Dir, Package: p.Package, Flags: []string{"-ldflags=-s " + releaseFlag(version)}}.Build()
	case debug:
		p.Names = true
		module, err = p.Build()
	default:
		module, symbols, err = p.BuildWithSymbols()
	}
	return module, symbols, err
}

// moduleProgram is the browser module as it is served.
func moduleProgram(root, version string) gowasm.Program {
	return gowasm.Program{
		Dir: root, Package: "./wasm", Shrink: true,
		Edits: slices.Concat(gowasm.WithoutGodebug, gowasm.SmallFmt, gowasm.WithoutTracer, gowasm.WithoutReports, gowasm.WithoutFloatText, gowasm.WithoutStartChecks, gowasm.LargeStacks),
		Flags: append(slices.Clip(sizeFlags), "-ldflags="+releaseFlag(version)),
		Env:   []string{smallCollector},
	}
}

func releaseFlag(version string) string { return "-X main.release=" + version }

// wasmExec is the toolchain's own glue: it must be of the Go that built the module. The
// served one is minified, under its authors' notice.
func wasmExec(v variant) ([]byte, error) {
	goroot, err := gowasm.Goroot()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	if err != nil || v != served {
		return content, err
	}
	notice, _, _ := strings.Cut(string(content), "\n\n")
	result := api.Transform(string(content), api.TransformOptions{
		Target: api.ES2022, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Banner: notice,
	})
	return result.Code, joined(result.Errors)
}

// joined returns esbuild's errors as one.
func joined(messages []api.Message) error {
	if len(messages) == 0 {
		return nil
	}
	return errors.New(strings.Join(api.FormatMessages(messages, api.FormatMessagesOptions{}), ""))
}

// beside leaves a bundle's dynamic imports to files beside it.
var beside = api.Plugin{Name: "beside", Setup: func(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `^\./`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		if a.Kind != api.ResolveJSDynamicImport {
			return api.OnResolveResult{}, nil
		}
		return api.OnResolveResult{Path: a.Path, External: true}, nil
	})
}}

// internal are the properties of the client's own objects that its first file alone reads. They
// get short names in it. What chunks, the module or a page read, or a record holds, is none.
var internal = []string{"dormant", "endScope", "listen", "recheck", "running", "tell", "view"}

// bundle makes one small file of an entry of the npm package, which may read assets as
// import.meta.assets, and its source map, which has the sources. The file does not name the
// map, so that only a debugger loads it: a header does.
func bundle(dir, name, entry, assets string) (code, sourceMap []byte, err error) {
	var mangled string
	if name == client {
		mangled = "^(" + strings.Join(internal, "|") + ")$"
	}
	result := api.Build(api.BuildOptions{
		MangleProps:       mangled,
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
		Outfile:           name,
		Sourcemap:         api.SourceMapExternal,
	})
	if err := joined(result.Errors); err != nil {
		return nil, nil, err
	}
	for _, file := range result.OutputFiles {
		if filepath.Ext(file.Path) == mapSuffix {
			sourceMap = file.Contents
		} else {
			code = file.Contents
		}
	}
	return code, sourceMap, nil
}

// mapSuffix ends the name of a source map, after its file's.
const mapSuffix = ".map"
