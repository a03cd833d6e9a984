package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// MaxLineBytes is how long a line may be, in UTF-8.
const MaxLineBytes = 500

// checkText refuses what is no line. Control characters could make what one
// player says look like what another, or the program, says.
func checkText(text string) error {
	switch {
	case len(text) > MaxLineBytes:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "text: %d bytes, must be at most %d", len(text), MaxLineBytes)
	case !utf8.ValidString(text):
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "text: is not UTF-8")
	case strings.TrimSpace(text) == "":
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "text: says nothing")
	}
	for _, r := range text {
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "text: has the control character %U", r)
		}
	}
	return nil
}
