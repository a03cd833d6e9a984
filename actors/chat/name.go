package chat

import (
	"regexp"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// validName keeps the names of zones and groups fit for channels, subjects and
// keys.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// ValidName says whether something can be the name of a zone or a group.
func ValidName(name string) bool { return validName.MatchString(name) }

// CheckRef refuses what is asked of an actor that cannot have a channel, because
// of its name.
func CheckRef(ref actors.Ref) error {
	if ValidName(ref.ID) {
		return nil
	}
	return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT,
		"%s: the name %.40q must be 1 to 32 lower-case letters, digits, dashes and underscores, beginning with a letter or digit", ref.Kind, ref.ID)
}

// Name is the name by which clients know an actor's channel.
func Name(ref actors.Ref) string { return ref.Kind + "/" + ref.ID }

// Topic is where the lines of an actor's channel are broadcast.
func Topic(ref actors.Ref) string { return "chat." + ref.Kind + "." + ref.ID }

// PresenceTopic is where it is broadcast who comes and goes.
func PresenceTopic(ref actors.Ref) string { return ref.Kind + "." + ref.ID + ".who" }
