package bisect

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Difference is one place in an actor's state that the builds fill differently.
type Difference struct {
	// Path leads to it: names of fields and keys, and indices of lists.
	Path string `json:"path"`
	// Good and Bad are JSON; "" where there is nothing.
	Good string `json:"good,omitempty"`
	Bad  string `json:"bad,omitempty"`
}

// toldDifferences bounds how many are told: the first of them say it.
const toldDifferences = 20

// differences compares two states that are JSON. None where one is not.
func differences(good, bad []byte) []Difference {
	var g, b any
	if json.Unmarshal(good, &g) != nil || json.Unmarshal(bad, &b) != nil {
		return nil
	}
	var out []Difference
	walk("", g, b, true, true, &out)
	return out
}

// walk goes down two values side by side. inG and inB say whether they are there.
func walk(path string, g, b any, inG, inB bool, out *[]Difference) {
	if len(*out) >= toldDifferences {
		return
	}
	below := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	gm, gok := g.(map[string]any)
	bm, bok := b.(map[string]any)
	if gok && bok {
		all := maps.Clone(gm)
		maps.Copy(all, bm)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			gv, inG := gm[name]
			bv, inB := bm[name]
			walk(below(name), gv, bv, inG, inB, out)
		}
		return
	}
	gl, gok := g.([]any)
	bl, bok := b.([]any)
	if gok && bok {
		for i := range max(len(gl), len(bl)) {
			var gv, bv any
			if i < len(gl) {
				gv = gl[i]
			}
			if i < len(bl) {
				bv = bl[i]
			}
			walk(below(strconv.Itoa(i)), gv, bv, i < len(gl), i < len(bl), out)
		}
		return
	}
	d := Difference{Path: path, Good: text(g, inG), Bad: text(b, inB)}
	if d.Good != d.Bad {
		*out = append(*out, d)
	}
}

func text(v any, there bool) string {
	if !there {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "" // it was decoded from JSON
	}
	return string(b)
}
