package chaos

import (
	"errors"
	"os"
)

var errNoSignals = errors.New("processes cannot be stopped on Windows")

func freeze(*os.Process) error { return errNoSignals }
func thaw(*os.Process) error   { return errNoSignals }
