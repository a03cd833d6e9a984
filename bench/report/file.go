package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// ErrNewer: a document was written by a later version of the program.
var ErrNewer = errors.New("it was written by a newer holdfast")

// Save writes a run to a file, in place of what was there.
func (r *Run) Save(file string) error {
	r.Version = Version
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	return nil
}

// Load reads the run that Save wrote.
func Load(file string) (*Run, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	r, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", file, err)
	}
	return r, nil
}

func parse(text []byte) (*Run, error) {
	// The version first: what else there is may not be what this program expects.
	var head struct {
		Version *int `json:"version"`
	}
	switch err := json.Unmarshal(text, &head); {
	case err != nil:
		return nil, err
	case head.Version == nil:
		return nil, errors.New("it is no run: it has no version")
	case *head.Version > Version:
		return nil, fmt.Errorf("%w: version %d, the latest known is %d", ErrNewer, *head.Version, Version)
	case *head.Version < 1:
		return nil, fmt.Errorf("there is no version %d", *head.Version)
	}
	r := new(Run)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, err
	}
	return r, nil
}
