package gowasm

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Sections of a module (WebAssembly Core Specification 2.0, section 5.5).
const (
	sectionCustom = 0
	sectionImport = 2
	sectionCode   = 10
	sectionData   = 11
)

const preamble = "\x00asm\x01\x00\x00\x00"

var errFormat = errors.New("gowasm: this is no WebAssembly module that Go's linker writes")

// reader reads the binary format. A read past the end sets failed.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() { r.failed, r.b = true, nil }

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// int reads a signed LEB128 number of up to 32 bits.
func (r *reader) int() (v int64) {
	for shift := 0; shift < 35; shift += 7 {
		b := r.bytes(1)
		if r.failed {
			return 0
		}
		v |= int64(b[0]&0x7f) << shift
		if b[0]&0x80 == 0 {
			if b[0]&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.fail()
	return 0
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) byte() byte {
	b := r.bytes(1)
	if r.failed {
		return 0
	}
	return b[0]
}

func (r *reader) vector() []byte { return r.bytes(r.uint()) }

func appendVector(to, content []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(content))), content...)
}

// appendInt appends a signed LEB128 number.
func appendInt(to []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(to, b)
		}
		to = append(to, b|0x80)
	}
}

// section is a section of a module with its content.
type section struct {
	id   byte
	body []byte
}

func (s section) isNames() bool {
	r := &reader{b: s.body}
	return s.id == sectionCustom && string(r.vector()) == nameSectionName
}

func sectionsOf(module []byte) ([]section, error) {
	if len(module) < len(preamble) || string(module[:len(preamble)]) != preamble {
		return nil, errFormat
	}
	r := &reader{b: module[len(preamble):]}
	var all []section
	for len(r.b) > 0 {
		all = append(all, section{r.byte(), r.vector()})
	}
	if r.failed {
		return nil, errFormat
	}
	return all, nil
}

// replaced returns a module with another content of one of its sections.
func replaced(sections []section, id byte, body []byte) []byte {
	module := []byte(preamble)
	for _, s := range sections {
		if s.id == id {
			s.body = body
		}
		module = appendVector(append(module, s.id), s.body)
	}
	return slices.Clip(module)
}
