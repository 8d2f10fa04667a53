package gowasm

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// The runtime finds a function's unwinding tables, its name, its file and its lines in
// one table, the pclntab (runtime/symtab.go; magic of Go 1.20 and later, layout of Go
// 1.26). Only tracebacks read names, files and lines, apart from what keptName says.
const (
	pcHeaderStart  = "\xf1\xff\xff\xff\x00\x00\x01\x08" // magic, padding, quantum, size of a pointer
	pcHeaderLength = 72
	funcLength     = 44 // of runtime._func, without the arrays behind it
	ftabEntry      = 8
)

// Offsets into runtime._func, and the id of generated wrappers (internal/abi, FuncID).
const (
	fnNameOff, fnPCSP, fnPCFile, fnPCLine = 4, 16, 20, 24
	fnNPCData, fnStartLine, fnFuncID      = 28, 36, 40
	funcIDWrapper                         = 23
)

// pclntab is the table within a memory image.
type pclntab struct {
	image                         []byte
	names, cus, files, pcs, funcs int // addresses, in this order
	count                         int // of functions
}

// findPclntab finds the one header whose offsets are in order.
func findPclntab(image []byte) (t pclntab, err error) {
	found := 0
	for at := 0; ; at++ {
		next := bytes.Index(image[at:], []byte(pcHeaderStart))
		if next < 0 {
			break
		}
		if at += next; at+pcHeaderLength > len(image) {
			break
		}
		if candidate, ok := pclntabAt(image, at); ok {
			t, found = candidate, found+1
		}
	}
	if found != 1 {
		return t, errFormat
	}
	return t, nil
}

func pclntabAt(image []byte, at int) (t pclntab, ok bool) {
	word := func(i int) int { return int(binary.LittleEndian.Uint64(image[at+8+8*i:])) }
	t = pclntab{
		image: image, count: word(0),
		names: at + word(3), cus: at + word(4), files: at + word(5), pcs: at + word(6), funcs: at + word(7),
	}
	ordered := at < t.names && t.names < t.cus && t.cus <= t.files && t.files < t.pcs && t.pcs < t.funcs
	ok = word(2) == 0 && t.count > 0 && ordered && t.funcs+ftabEntry*(t.count+1) <= len(image)
	return t, ok
}

func (t pclntab) uint32(at int) int { return int(binary.LittleEndian.Uint32(t.image[at:])) }

func (t pclntab) put(at, v int) { binary.LittleEndian.PutUint32(t.image[at:], uint32(v)) }

// function returns the address of the i-th function's record.
func (t pclntab) function(i int) int { return t.funcs + t.uint32(t.funcs+ftabEntry*i+4) }

// name returns a function's name, if it ends within the table of names.
func (t pclntab) name(fn int) (name string, ok bool) {
	offset := t.uint32(fn + fnNameOff)
	if offset >= t.cus-t.names {
		return "", false
	}
	text, _, ok := bytes.Cut(t.image[t.names+offset:t.cus], []byte{0})
	return string(text), ok
}

// runtimePrefix is the prefix by which the runtime tells its own goroutines from others.
const runtimePrefix = "runtime."

// keptName is the part of a function's name that the runtime decides by:
// panicwrap speaks of the method, the stack's walk knows two functions of reflect, and
// goroutines that begin in the runtime are not the program's (runtime/error.go,
// stkframe.go, traceback.go).
func keptName(name string, funcID byte) string {
	switch {
	case name == "reflect.makeFuncStub" || name == "reflect.methodValueCall":
		return name
	case funcID == funcIDWrapper && strings.Contains(name, ".(*") && !strings.Contains(name, ".gowrap"):
		return name
	case strings.HasPrefix(name, runtimePrefix):
		return runtimePrefix
	}
	return ""
}

// strip zeroes names, files and lines in place. What unwinding and the garbage collector
// need stays.
func (t pclntab) strip() error {
	needed := make([]bool, t.funcs-t.pcs)
	kept := map[string][]int{} // records by the name that they keep
	for i := range t.count {
		fn := t.function(i)
		if fn+funcLength > len(t.image) || fn+funcLength+4*t.uint32(fn+fnNPCData) > len(t.image) {
			return errFormat
		}
		name, ok := t.name(fn)
		if !ok {
			return errFormat
		}
		for _, offset := range t.neededTables(fn) {
			if !markTable(needed, t.image[t.pcs:t.funcs], offset) {
				return errFormat
			}
		}
		name = keptName(name, t.image[fn+fnFuncID])
		kept[name] = append(kept[name], fn)
		for _, field := range []int{fnPCFile, fnPCLine, fnStartLine} {
			t.put(fn+field, 0)
		}
	}
	clear(t.image[t.cus:t.pcs])
	for i, keep := range needed {
		if !keep {
			t.image[t.pcs+i] = 0
		}
	}
	return t.writeNames(kept)
}

// neededTables are offsets of a function's tables of the stack's size and of what the
// collector asks at a program counter.
func (t pclntab) neededTables(fn int) []int {
	offsets := []int{t.uint32(fn + fnPCSP)}
	for i := range t.uint32(fn + fnNPCData) {
		offsets = append(offsets, t.uint32(fn+funcLength+4*i))
	}
	return offsets
}

// markTable marks the bytes of one table: pairs of numbers up to a zero that is not the first.
func markTable(needed []bool, tables []byte, offset int) bool {
	if offset == 0 { // there is none
		return true
	}
	if offset >= len(tables) {
		return false
	}
	r := &reader{b: tables[offset:]}
	for first := true; ; first = false {
		if r.uint() == 0 && !first {
			break
		}
		r.uint()
		if r.failed {
			return false
		}
	}
	for i := offset; i < len(tables)-len(r.b); i++ {
		needed[i] = true
	}
	return true
}

// writeNames makes the table of names anew, from the empty name on.
func (t pclntab) writeNames(kept map[string][]int) error {
	names := t.image[t.names:t.cus]
	clear(names)
	at := 1 // the empty name
	for _, name := range sortedKeys(kept) {
		offset := 0
		if name != "" {
			if at+len(name) >= len(names) {
				return errFormat
			}
			offset = at
			at += copy(names[at:], name) + 1
		}
		for _, fn := range kept[name] {
			t.put(fn+fnNameOff, offset)
		}
	}
	return nil
}
