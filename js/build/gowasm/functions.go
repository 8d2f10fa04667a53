package gowasm

import (
	"errors"
	"fmt"
)

// Subsections and imports that tell a function's name and size (WebAssembly Core
// Specification 2.0, sections 5.5 and 7.4.1).
const (
	functionNames   = 1
	importFunction  = 0
	importTable     = 1
	importMemory    = 2
	importGlobal    = 3
	nameSectionName = "name"
)

// FunctionSizes are the bytes of code of each function of a module that has a name
// section, by name.
func FunctionSizes(module []byte) (map[string]int, error) {
	all, err := functionsOf(module)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int{}
	for _, f := range all {
		sizes[f.name] += f.size
	}
	return sizes, nil
}

// Symbols are the names of a module's functions, a line each: the number that a
// browser's stack shows as wasm-function[number], a space, the name. The module has a
// name section; without it, its functions keep their numbers.
func Symbols(module []byte) ([]byte, error) {
	all, err := functionsOf(module)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, f := range all {
		text = fmt.Appendf(text, "%d %s\n", f.number, f.name)
	}
	return text, nil
}

// function is a function that a module has itself.
type function struct {
	number uint64
	name   string
	size   int
}

func functionsOf(module []byte) ([]function, error) {
	sections, err := sectionsOf(module)
	if err != nil {
		return nil, err
	}
	imported := uint64(0)
	var all []function
	var names map[uint64]string
	failed := false
	for _, s := range sections {
		r := &reader{b: s.body}
		switch {
		case s.id == sectionImport:
			imported = importedFunctions(r)
		case s.id == sectionCode:
			for i := range r.uint() {
				all = append(all, function{number: imported + i, size: len(r.vector())})
			}
		case s.isNames():
			r.vector()
			names = namesOf(r)
		}
		failed = failed || r.failed
	}
	if failed || names == nil {
		return nil, errors.New("gowasm: the module has no readable name section")
	}
	for i := range all {
		all[i].name = names[all[i].number]
	}
	return all, nil
}

// importedFunctions counts the functions that come before the module's own.
func importedFunctions(r *reader) (n uint64) {
	for range r.uint() {
		r.vector()
		r.vector()
		switch r.byte() {
		case importFunction:
			r.uint()
			n++
		case importTable:
			r.byte()
			r.limits()
		case importMemory:
			r.limits()
		case importGlobal:
			r.bytes(2)
		}
		if r.failed {
			return 0
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
		kind := r.byte()
		content := &reader{b: r.vector()}
		if r.failed || kind != functionNames {
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
