package report

import (
	"runtime/debug"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// NewRun begins the document of a run of this program on this machine.
func NewRun(load, name string) *Run {
	return &Run{Version: Version, Load: load, Name: name, Build: thisBuild(), Machine: figures.ThisMachine(), Series: []Stretch{}}
}

// thisBuild is the revision that the program was built from; "" when that is not
// known.
func thisBuild() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}
