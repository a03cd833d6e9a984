package delta

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-game/holdfast/proto/delta"
)

// limits are the largest values of the columns.
var limits = map[string]uint64{
	"tick": 1<<32 - 1, "entity": 1<<32 - 1, "x": 1<<delta.MaxBits - 1, "y": 1<<delta.MaxBits - 1, "heading": 255, "hp": 1023, "state": 7,
}

// ReadTrace reads comma-separated lines. The first one names the columns, in any
// order; a file without it has them in the order of WriteTrace. Ticks come in
// order, entities within a tick in any.
func ReadTrace(r io.Reader) (Trace, error) {
	in := csv.NewReader(r)
	in.ReuseRecord, in.TrimLeadingSpace = true, true
	in.FieldsPerRecord = len(columns)
	var t Trace
	order := columns
	for first := true; ; first = false {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read trace: %w", err)
		}
		if first {
			if names, ok := header(record); ok {
				order = names
				continue
			}
		}
		line, _ := in.FieldPos(0)
		tick, e, err := parse(order, record)
		if err == nil {
			err = t.add(tick, e)
		}
		if err != nil {
			return nil, fmt.Errorf("read trace: line %d: %w", line, err)
		}
	}
	if len(t) < 2 {
		return nil, fmt.Errorf("read trace: %d ticks, and two are the least", len(t))
	}
	return t, nil
}

// header tells whether a line names the columns.
func header(record []string) (names []string, ok bool) {
	for _, name := range record {
		names = append(names, strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))))
	}
	for _, name := range columns {
		if !slices.Contains(names, name) {
			return nil, false
		}
	}
	return names, true
}

func parse(order, record []string) (tick uint32, e Entity, err error) {
	into := map[string]*uint32{"tick": &tick, "entity": &e.ID, "x": &e.X, "y": &e.Y, "heading": &e.Heading, "hp": &e.HP, "state": &e.State}
	for i, name := range order {
		v, err := strconv.ParseUint(strings.TrimSpace(record[i]), 10, 64)
		if err != nil || v > limits[name] {
			return 0, e, fmt.Errorf("%s is %q, not a whole number from 0 to %d", name, record[i], limits[name])
		}
		*into[name] = uint32(v)
	}
	return tick, e, nil
}

// WriteTrace writes what ReadTrace reads.
func WriteTrace(w io.Writer, t Trace) error {
	out := bufio.NewWriter(w)
	// A bufio.Writer keeps its first error for Flush.
	_, _ = out.WriteString(strings.Join(columns, ",") + "\n")
	var line []byte
	for _, tick := range t {
		for _, e := range tick.Entities {
			line = line[:0]
			for i, v := range [...]uint32{tick.Tick, e.ID, e.X, e.Y, e.Heading, e.HP, e.State} {
				if i > 0 {
					line = append(line, ',')
				}
				line = strconv.AppendUint(line, uint64(v), 10)
			}
			_, _ = out.Write(append(line, '\n'))
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}
