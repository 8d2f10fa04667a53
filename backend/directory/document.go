package directory

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// KeepUnsaid sets what the document may leave open and leaves open: it stays as in the
// stored document or, if there is none, has the default of a new workspace.
func (w *Workspace) KeepUnsaid(stored *Workspace) {
	switch {
	case w.OnReuse != "":
	case stored == nil:
		w.OnReuse = EndUser
	default:
		w.OnReuse = stored.OnReuse
	}
}

// Differences returns in which members a document differs from a stored one, nil if there
// is none.
func (w *Workspace) Differences(stored *Workspace) ([]Difference, error) {
	wanted, err := members(w)
	if err != nil {
		return nil, err
	}
	had := map[string]json.RawMessage{}
	if stored != nil {
		if had, err = members(stored); err != nil {
			return nil, err
		}
	}
	names := maps.Clone(wanted)
	maps.Copy(names, had)
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d := Difference{What: "workspace", Name: name}
		switch before, after := had[name], wanted[name]; {
		case before == nil:
			d.Kind, d.Detail = Addition, string(after)
		case after == nil:
			d.Kind, d.Detail = Removal, string(before)
		case !bytes.Equal(before, after):
			d.Kind, d.Detail = Change, string(before)+" -> "+string(after)
		default:
			continue
		}
		all = append(all, d)
	}
	return all, nil
}

// members returns the members of a document as JSON.
func members(w *Workspace) (all map[string]json.RawMessage, err error) {
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &all)
	return all, err
}
