package journal

import (
	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/group"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	"github.com/holdfast-game/holdfast/actors/zone"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Command returns `journal`, which was called `log` once. build is the version of
// the program. added are the kinds of actors that it knows beside the built-in
// ones: events are decoded by their kind.
func Command(build string, added []actors.Kind) *cobra.Command {
	var from source
	c := &cobra.Command{
		Use:     "journal",
		Aliases: []string{"log"},
		Short:   "Read, check and replay the node logs of a cluster",
		Long: `Read, check and replay the node logs of a cluster. Nothing is changed, and the
cluster may be at work. The servers are named with --etcd and --nats, or found with
--data: the folder of a node that runs, or of one with embedded servers that does not.`,
		Args: cobra.NoArgs,
	}
	from.addFlags(c.PersistentFlags())
	c.AddCommand(
		catCommand(&from, added), dumpCommand(&from, added), checkCommand(&from, added),
		verifyCommand(&from, added), bisectCommand(&from), foldCommand(build, added),
	)
	return c
}

// registry holds the kinds of actors whose events can be decoded.
func registry(added []actors.Kind) (*actors.Registry, error) {
	return actors.NewRegistry(append([]actors.Kind{
		player.Kind(player.Config{Catalog: noProducts{}}), stock.Kind(stock.Config{Catalog: noProducts{}}),
		zone.Kind(zone.Config{}), group.Kind(),
	}, added...)...)
}

// noProducts is a catalog for actors that only fold events: those say all that
// is to be known.
type noProducts struct{}

func (noProducts) Product(actors.SKU) (*clusterv1.Product, bool) { return nil, false }
