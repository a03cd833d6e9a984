package splice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// Filter writes what happened on the connections of some players, named as the
// tape names them. world: and all that was shown, to whomever; a tape does not say
// who looked at what.
func Filter(in *tape.Reader, path string, players []string, world bool) error {
	return write(path, in.Info().Header, func(w *tape.Writer) error {
		theirs, found := make(map[uint64]bool), make(map[string]bool)
		err := each(in, func(r *tape.Record) error {
			if r.Kind == tape.Opened && slices.Contains(players, r.Player) {
				theirs[r.Conn], found[r.Player] = true, true
			}
			if theirs[r.Conn] || r.Kind == tape.Dropped || world && r.Kind == tape.Shown {
				return w.Append(r)
			}
			return nil
		})
		missing := slices.DeleteFunc(slices.Clone(players), func(p string) bool { return found[p] })
		if len(missing) > 0 && err == nil {
			return fmt.Errorf("the tape has no player %s%s", strings.Join(missing, ", "), advice(in.Info()))
		}
		return err
	})
}

// advice is for who has given a player's id, where the tape has hashes.
func advice(i tape.Info) string {
	if i.Hashed {
		return "; it names players by hashes: give --key-file with the node's key, or the hashes"
	}
	return ""
}
