package workspacefile

import (
	"bytes"
	"iter"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	// largeFile is the size in bytes from which a file is read in parts. Parsing a
	// whole file takes thirty times its size in memory.
	largeFile = 256 << 10
	// largePart is the size of a part, in bytes.
	largePart = 64 << 10
)

// Read is Parse for files of any size. It keeps the text of a large file and parses
// members when they are needed (directory.MemberSource). The text must not change.
//
// A file with mistakes, or in an unusual style, is parsed at once. The usual styles are
// JSON, and block style with a dash at the start of the line of each organization and
// member.
func Read(text []byte) (directory.Desired, error) {
	if len(text) >= largeFile {
		if desired, ok := readParts(text, largePart); ok {
			return desired, nil
		}
	}
	return Parse(text)
}

// readParts reads a file in parts. It reports whether all parts were valid.
func readParts(text []byte, size int) (directory.Desired, bool) {
	if !hasPlainLines(text) {
		return directory.Desired{}, false
	}
	whole, ok := cutList(part{text, 0}, "organizations")
	if !ok {
		return directory.Desired{}, false
	}
	f := newFile()
	root, ok := whole.read("organizations", 0)
	if !ok {
		return directory.Desired{}, false
	}
	f.workspace(root)
	for _, p := range whole.items {
		if len(f.problems) > 0 || !f.organizationPart(p, size) {
			return directory.Desired{}, false
		}
	}
	f.checkConnections()
	return f.desired, len(f.problems) == 0
}

func startsWith(text []byte, with byte) bool {
	text = bytes.TrimLeft(text, " \n\r\t")
	return len(text) > 0 && text[0] == with
}

// read parses the mapping of a cut without the list's key. It fails unless the key is
// at the expected line and has no value, which shows that the cut was right.
func (c cut) read(key string, line int) (*yaml.Node, bool) {
	document, err := read(c.rest)
	if err != nil {
		return nil, false
	}
	n, found := document.Content[0], false
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Value != key {
			continue
		}
		if found || name.Line != c.line-line+1 || value.Kind != yaml.ScalarNode || value.Tag != "!!null" {
			return nil, false
		}
		found = true
		n.Content = slices.Delete(n.Content, i, i+2)
		i -= 2
	}
	return n, found
}

// organizationPart reads one organization, and checks its members.
func (f *file) organizationPart(p part, size int) bool {
	if len(p.text) > size {
		if c, is := cutList(p, "members"); is {
			n, ok := c.read("members", p.line)
			if !ok {
				return false
			}
			moveLines(n, p.line)
			f.organization(n)
			return f.membersLater(f.lastOrganization(), c.items, size)
		}
	}
	n, ok := p.withoutDash().node(yaml.MappingNode)
	if !ok {
		return false
	}
	moveLines(n, p.line)
	f.organization(n)
	o := f.lastOrganization()
	o.Further = directory.MemberSource{Count: len(o.Members), Each: f.reread(func(again *file) []directory.Member {
		n, _ := p.withoutDash().node(yaml.MappingNode)
		again.organization(n)
		return again.lastOrganization().Members
	})}
	o.Members = nil
	return true
}

func (f *file) lastOrganization() *directory.DesiredOrganization {
	return &f.desired.Organizations[len(f.desired.Organizations)-1]
}

// membersLater checks an organization's members and arranges to parse them when they
// are needed.
func (f *file) membersLater(o *directory.DesiredOrganization, items []part, size int) bool {
	parts := group(items, size)
	seen := personSet{}
	for _, p := range parts {
		n, ok := p.list()
		if !ok {
			return false
		}
		o.Further.Count += len(f.people(n, seen))
		if len(f.problems) > 0 {
			return false
		}
	}
	if o.Further.Count != len(items) {
		return false
	}
	o.Further.Each = func(yield func(directory.Member) bool) {
		for _, p := range parts {
			for m := range f.reread(func(again *file) []directory.Member {
				n, _ := p.list()
				return again.people(n, personSet{})
			}) {
				if !yield(m) {
					return
				}
			}
		}
	}
	return true
}

// reread yields the members of a part that was checked before.
func (f *file) reread(read func(*file) []directory.Member) iter.Seq[directory.Member] {
	return func(yield func(directory.Member) bool) {
		again := newFile()
		again.issuer, again.desired.Workspace, again.checkedSizes = f.issuer, f.desired.Workspace, f.checkedSizes
		for _, m := range read(again) {
			if !yield(m) {
				return
			}
		}
	}
}

// group joins adjacent elements into lists of about the given size.
func group(items []part, size int) (all []part) {
	for len(items) > 0 {
		n, bytes := 1, len(items[0].text)
		for n < len(items) && bytes+len(items[n].text) <= size {
			bytes += len(items[n].text)
			n++
		}
		all = append(all, join(items[:n]))
		items = items[n:]
	}
	return all
}

// join returns a list of adjacent elements, which are slices of one text.
func join(items []part) part {
	first, last := items[0], items[len(items)-1]
	length := cap(first.text) - cap(last.text) + len(last.text)
	return part{first.text[:length:cap(first.text)], first.line}
}

// list parses a part with elements in block style, or in JSON separated by commas.
func (p part) list() (*yaml.Node, bool) {
	if !startsWith(p.text, '-') {
		p.text = slices.Concat([]byte("["), p.text, []byte("]"))
	}
	return p.node(yaml.SequenceNode)
}

// node parses a part.
func (p part) node(kind yaml.Kind) (*yaml.Node, bool) {
	document, err := read(p.text)
	if err != nil || document.Content[0].Kind != kind {
		return nil, false
	}
	return document.Content[0], true
}

// moveLines adds an offset to the line numbers of nodes. It does not follow aliases, so
// that a shared node moves once.
func moveLines(n *yaml.Node, by int) {
	n.Line += by
	for _, inner := range n.Content {
		moveLines(inner, by)
	}
}
