package figures

import (
	"encoding/json"
	"fmt"
	"io"
)

// Report is what a load has to say.
type Report interface {
	// WriteText prints it for people.
	WriteText(io.Writer) error
}

// Print prints a report for people, or as JSON.
func Print(w io.Writer, r Report, asJSON bool) error {
	if !asJSON {
		return r.WriteText(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}
