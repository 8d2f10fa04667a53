package main

import (
	"encoding/binary"
	"errors"
)

// WebAssembly sections and subsections that tell a function's name and size
// (WebAssembly Core Specification 2.0, sections 5.5 and 7.4.1).
const (
	sectionCustom   = 0
	sectionImport   = 2
	sectionCode     = 10
	functionNames   = 1
	importFunction  = 0
	importTable     = 1
	importMemory    = 2
	importGlobal    = 3
	preambleLength  = 8
	nameSectionName = "name"
)

// reader reads the binary format. A read past the end sets failed.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) vector() []byte { return r.bytes(r.uint()) }

// functionSizes are the bytes of code of each function of a module that has a
// name section.
func functionSizes(wasm []byte) (map[string]int, error) {
	r := &reader{b: wasm}
	r.bytes(preambleLength)
	imported := uint64(0)
	var bodies []int
	var names map[uint64]string
	for len(r.b) > 0 {
		id := r.bytes(1)
		section := &reader{b: r.vector()}
		switch {
		case r.failed:
		case id[0] == sectionImport:
			imported = importedFunctions(section)
		case id[0] == sectionCode:
			for range section.uint() {
				bodies = append(bodies, len(section.vector()))
			}
		case id[0] == sectionCustom && string(section.vector()) == nameSectionName:
			names = namesOf(section)
		}
		r.failed = r.failed || section.failed
	}
	if r.failed || names == nil {
		return nil, errors.New("the module has no readable name section")
	}
	sizes := map[string]int{}
	for i, size := range bodies {
		sizes[names[imported+uint64(i)]] += size
	}
	return sizes, nil
}

// importedFunctions counts the functions that come before the module's own.
func importedFunctions(r *reader) (n uint64) {
	for range r.uint() {
		r.vector()
		r.vector()
		switch kind := r.bytes(1); {
		case r.failed:
			return 0
		case kind[0] == importFunction:
			r.uint()
			n++
		case kind[0] == importTable:
			r.bytes(1)
			r.limits()
		case kind[0] == importMemory:
			r.limits()
		case kind[0] == importGlobal:
			r.bytes(2)
		}
	}
	return n
}

func (r *reader) limits() {
	bounded := r.uint() == 1
	r.uint()
	if bounded {
		r.uint()
	}
}

func namesOf(r *reader) map[uint64]string {
	names := map[uint64]string{}
	for len(r.b) > 0 && !r.failed {
		kind := r.bytes(1)
		content := &reader{b: r.vector()}
		if r.failed || kind[0] != functionNames {
			continue
		}
		for range content.uint() {
			index := content.uint()
			names[index] = string(content.vector())
		}
		r.failed = content.failed
	}
	return names
}
