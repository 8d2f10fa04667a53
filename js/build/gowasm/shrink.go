// Package gowasm builds Go programs for js/wasm, and makes the linker's output smaller
// and quicker to start without another behavior.
package gowasm

import (
	"maps"
	"slices"
)

// Shrink merges data segments. If names is false, it also omits the name section, and
// zeroes what only tracebacks read: function names, files and lines. The memory that the program starts with is
// otherwise the linker's, byte by byte.
func Shrink(module []byte, names bool) ([]byte, error) {
	sections, err := sectionsOf(module)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(sections, func(s section) bool { return s.id == sectionData })
	if at < 0 {
		return nil, errFormat
	}
	segments, err := segmentsOf(sections[at].body)
	if err != nil {
		return nil, err
	}
	image := imageOf(segments)
	table, err := findPclntab(image)
	if err != nil {
		return nil, err
	}
	if !names {
		if err := table.strip(); err != nil {
			return nil, err
		}
		sections = slices.DeleteFunc(sections, section.isNames)
	}
	return replaced(sections, sectionData, encodeSegments(merged(image))), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
