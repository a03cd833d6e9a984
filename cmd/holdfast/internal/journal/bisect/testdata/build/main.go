// Command build is a build that folds events of players, for tests of package
// bisect: the right one, or with the tag plant_generous one that is not.
package main

import (
	"fmt"
	"os"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/bisect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func main() {
	kind := player.Kind(player.Config{Catalog: noProducts{}})
	right := kind.New
	kind.New = func(id string) actors.Behaviour { return built{right(id)} }
	kinds, err := actors.NewRegistry(kind)
	if err == nil {
		err = bisect.Serve(os.Stdin, os.Stdout, version, kinds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// built is a player as this build has it.
type built struct{ actors.Behaviour }

type noProducts struct{}

func (noProducts) Product(actors.SKU) (*clusterv1.Product, bool) { return nil, false }
