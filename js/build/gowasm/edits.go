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

// SmallFmt has those functions of fmt that libraries for js/wasm call to make an error's text,
// and quotes nothing in one of strconv's, which would bring the tables of what is printed.
// Package os, reflection and Unicode's tables go with the rest. Only a program that never
// prints values of its own by fmt may use it.
var SmallFmt = []Edit{
	{File: "strconv/number.go", Old: "Quote(e.Num)", New: `"\"" + e.Num + "\""`},
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
	[]Edit{{File: "runtime/mgc.go", Old: "if debug.gctrace > 0 {", New: "if false {"}},
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

// WithoutFloatText prints no digits of a float or complex number beside a panic, and so
// leaves out the tables of powers of ten. strconv, for programs that call it, has them.
var WithoutFloatText = slices.Concat(
	printing("printfloat64(v float64)", "float64", "gwrite(strconv.AppendFloat(buf[:0], v, 'g', -1, 64))"),
	printing("printfloat32(v float32)", "float32", "gwrite(strconv.AppendFloat(buf[:0], float64(v), 'g', -1, 32))"),
	printing("printcomplex128(c complex128)", "complex128", "gwrite(strconv.AppendComplex(buf[:0], c, 'g', -1, 128))"),
	printing("printcomplex64(c complex64)", "complex64", "gwrite(strconv.AppendComplex(buf[:0], complex128(c), 'g', -1, 64))"),
)

// WithoutStartChecks omits what the runtime checks at each start of its own tables, which
// the linker has just written, and of the compiler's arithmetic, and the variable GODEBUG,
// which a page has none of.
var WithoutStartChecks = slices.Concat(
	returning("runtime/symtab.go", "moduledataverify1(datap *moduledata)"),
	returning("runtime/runtime1.go", "check()", "parsegodebug(godebug string, seen map[string]bool)"),
	returning("internal/cpu/cpu.go", "processOptions(env string)"),
)

// LargeStacks begins goroutines with a stack of 16 KB, not 2, until the first collection,
// which measures how much they need. A start that grows no stack does without the functions
// that do, which are large, and a browser compiles what is called.
var LargeStacks = []Edit{
	{
		File: "runtime/stack.go",
		Old:  "var startingStackSize uint32 = fixedStack\n",
		New:  "var startingStackSize uint32 = 16384\n",
	},
	{File: "runtime/proc.go", Old: "malg(stackMin)", New: "malg(int32(startingStackSize))"},
}

// WithoutTracebacks has no stacks of goroutines: neither beside a panic, whose message stays,
// nor for a caller of runtime.Callers. Without names they are addresses alone, and a browser
// has a stack of its own.
var WithoutTracebacks = slices.Concat(
	returning("runtime/traceback.go",
		"traceback1(pc, sp, lr uintptr, gp *g, flags unwindFlags)",
		"tracebackothers(me *g)",
		"goroutineheader(gp *g)",
		"printAncestorTraceback(ancestor ancestorInfo)"),
	returning("runtime/symtab.go", "(ci *Frames) Next() (frame Frame, more bool)"),
	[]Edit{{File: "runtime/extern.go", Old: "\treturn callers(skip, pc)\n", New: "\treturn 0\n"}},
)

// printing makes a function of the runtime print the name of a type in place of a value.
func printing(function, name, body string) []Edit {
	start := "func " + function + " {\n\tvar buf [" + name + "Bytes]byte\n\t"
	return []Edit{{File: "runtime/print.go", Old: start + body, New: "func " + function + " {\n\tprintstring(\"(" + name + ")\")"}}
}

// returning empties functions of a file. Their results, if any, have names.
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
