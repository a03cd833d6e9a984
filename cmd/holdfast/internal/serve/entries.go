package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// readEntries reads a YAML file of things by name, each a map of fields, and
// returns what read makes of them, by name. what is the file's, for errors.
func readEntries[T any](what, path string, read func(name string, fields map[string]any) (T, error)) ([]T, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	entries, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", what, path, err)
	}
	all := make([]T, 0, len(entries))
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		fields, ok := entries[name].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("read %s %s: %s: must be a map of fields, not %v", what, path, name, entries[name])
		}
		one, err := read(name, fields)
		if err != nil {
			return nil, fmt.Errorf("read %s %s: %s: %w", what, path, name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// fill sets a message's fields by their names in the proto file. One by one, so
// that what is wrong can be said with its name.
func fill(m proto.Message, fields map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		if at, ok := value.(time.Time); ok { // as YAML reads an RFC 3339 time
			value = at.Format(time.RFC3339Nano)
		}
		text, err := json.Marshal(map[string]any{name: value})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		one := m.ProtoReflect().New().Interface()
		if err := protojson.Unmarshal(text, one); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		proto.Merge(m, one)
	}
	return nil
}
