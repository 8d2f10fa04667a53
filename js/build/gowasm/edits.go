package gowasm

import (
	_ "embed"
	"slices"
)

// WithoutGodebug gives every setting of the GODEBUG variable its default: a page has no
// such variable. Without the package, its registry and its stack search, a module is
// smaller. The runtime still reads GODEBUG itself.
var WithoutGodebug = []Edit{{File: "internal/godebug/godebug.go", New: godebug}}

//go:embed std/godebug.go.txt
var godebug string

// SmallFmt has those functions of fmt that libraries for js/wasm call to make an error's text. Package
// os, reflection and Unicode's tables go with the rest. Only a program that never prints
// values of its own by fmt may use it.
var SmallFmt = []Edit{
	{File: "fmt/print.go", New: smallFmt},
	{File: "fmt/doc.go"}, {File: "fmt/errors.go"}, {File: "fmt/format.go"}, {File: "fmt/scan.go"},
}

//go:embed std/fmt.go.txt
var smallFmt string

// WithoutTracer makes "the execution tracer is off" a constant, as nothing in a page can
// begin a trace.
var WithoutTracer = []Edit{
	{
		File: "runtime/traceruntime.go",
		Old:  "func traceEnabled() bool {\n\treturn trace.enabled\n}",
		New:  "func traceEnabled() bool {\n\treturn false\n}",
	},
	{
		File: "runtime/traceruntime.go",
		Old:  "func (tl traceLocker) ok() bool {\n\treturn tl.gen != 0\n}",
		New:  "func (tl traceLocker) ok() bool {\n\treturn false\n}",
	},
}

// WithoutReports omits the runtime's reports about itself that no page asks for:
// profiles of memory, locks and goroutines, the scheduler's trace, the searches of GODEBUG
// for leaked finalizers, and dumps of memory beside a fatal error, whose message stays. A
// page is one module, so that its types need no comparison with a plugin's.
var WithoutReports = slices.Concat(
	returning("runtime/type.go", "typelinksinit()"),
	returning("runtime/proc.go", "schedtrace(detailed bool)"),
	returning("runtime/mcheckmark.go", "checkFinalizersAndCleanups()"),
	returning("runtime/mgcmark.go", "gcDumpObject(label string, obj, off uintptr)"),
	returning("runtime/hexdump.go", "hexdumpWords(p, len uintptr, mark func(uintptr, hexdumpMarker))"),
	returning("runtime/traceback.go", "tracebackHexdump(stk stack, frame *stkframe, bad uintptr)"),
	returning("runtime/mprof.go",
		"mProf_Malloc(mp *m, p unsafe.Pointer, size uintptr)",
		"saveblockevent(cycles, rate int64, skip int, which bucketType)",
		"tryRecordGoroutineProfile(gp1 *g, pcbuf []uintptr, yield func())"),
)

// returning empties functions of a file. They must have no results.
func returning(file string, functions ...string) (edits []Edit) {
	for _, f := range functions {
		start := "func " + f + " {\n"
		edits = append(edits, Edit{File: file, Old: start, New: start + "\tif true {\n\t\treturn\n\t}\n"})
	}
	return edits
}

// WithoutSockets omits the fall-back of net/http's transport from fetch to sockets, and
// with it TLS, HTTP/2 and proxies. A host without fetch gets an error.
var WithoutSockets = []Edit{{
	File: "net/http/roundtrip_js.go",
	Old:  "return t.roundTrip(req)",
	New:  `return nil, errors.New("net/http: there is no fetch")`,
}}
