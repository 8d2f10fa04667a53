package gowasm

import "errors"

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
	sections, err := sectionsOf(module)
	if err != nil {
		return nil, err
	}
	imported := uint64(0)
	var bodies []int
	var names map[uint64]string
	failed := false
	for _, s := range sections {
		r := &reader{b: s.body}
		switch {
		case s.id == sectionImport:
			imported = importedFunctions(r)
		case s.id == sectionCode:
			for range r.uint() {
				bodies = append(bodies, len(r.vector()))
			}
		case s.id == sectionCustom && string(r.vector()) == nameSectionName:
			names = namesOf(r)
		}
		failed = failed || r.failed
	}
	if failed || names == nil {
		return nil, errors.New("gowasm: the module has no readable name section")
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
