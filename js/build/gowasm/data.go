package gowasm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A module's memory is zero before its data segments are written. Go's linker begins a
// segment after every run of eight zeros, tens of thousands in all; each costs bytes
// that compress badly, and time at each start. A gap below mergeGap bytes costs less
// within a segment than as the border of two: of 16, 32, 64, 128 and 256 the module's
// brotli is smallest with 64.
const mergeGap = 64

const (
	opI32Const = 0x41
	opEnd      = 0x0b
)

// segment is bytes that a module writes to memory when it starts.
type segment struct {
	offset int
	bytes  []byte
}

func (s segment) end() int { return s.offset + len(s.bytes) }

// segmentsOf reads active segments of the first memory at constant addresses, which are
// all that Go's linker writes. They are returned by address and do not overlap.
func segmentsOf(body []byte) ([]segment, error) {
	r := &reader{b: body}
	var all []segment
	for range r.uint() {
		active := r.uint() == 0 && r.byte() == opI32Const
		offset := r.int()
		if !active || r.byte() != opEnd || offset < 0 {
			return nil, errFormat
		}
		all = append(all, segment{int(offset), r.vector()})
	}
	if r.failed || len(r.b) > 0 {
		return nil, errFormat
	}
	slices.SortStableFunc(all, func(a, b segment) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < len(all); i++ {
		if all[i].offset < all[i-1].end() {
			return nil, errFormat
		}
	}
	return all, nil
}

// imageOf is the memory from address 0 that the segments make.
func imageOf(segments []segment) []byte {
	if len(segments) == 0 {
		return nil
	}
	image := make([]byte, segments[len(segments)-1].end())
	for _, s := range segments {
		copy(image[s.offset:], s.bytes)
	}
	return image
}

// merged makes segments of a memory image, parted where at least mergeGap zeros stand.
func merged(image []byte) []segment {
	var all []segment
	for at := 0; at < len(image); {
		if image[at] == 0 {
			at++
			continue
		}
		s := segment{at, nil}
		end := at + 1
		for at = end; at < len(image) && at < end+mergeGap; at++ {
			if image[at] != 0 {
				end = at + 1
			}
		}
		s.bytes = image[s.offset:end]
		all = append(all, s)
		at = end
	}
	return all
}

func encodeSegments(all []segment) []byte {
	body := binary.AppendUvarint(nil, uint64(len(all)))
	for _, s := range all {
		body = append(appendInt(append(body, 0, opI32Const), int64(s.offset)), opEnd)
		body = appendVector(body, s.bytes)
	}
	return body
}
