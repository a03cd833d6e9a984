package delta

import (
	"strings"
	"testing"
	"time"
)

func TestBadSchemas(t *testing.T) {
	many := make([]Field, MaxFields+1)
	for i := range many {
		many[i] = Field{string(rune('a' + i)), Level, 1}
	}
	for _, tc := range []struct {
		fields []Field
		want   string
	}{
		{nil, "0 fields"},
		{many, "17 fields"},
		{[]Field{{"", Position, 8}}, "a name has"},
		{[]Field{{strings.Repeat("x", 65), Position, 8}}, "a name has"},
		{[]Field{{"x", 0, 8}}, "no kind 0"},
		{[]Field{{"x", 5, 8}}, "no kind 5"},
		{[]Field{{"x", Position, 0}}, "0 bits"},
		{[]Field{{"x", Position, 25}}, "25 bits"},
		{[]Field{{"x", Position, 8}, {"x", Angle, 8}}, "two fields x"},
	} {
		if _, err := NewSchema(tc.fields...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %v, want %s", tc.fields, err, tc.want)
		}
	}
	if _, err := NewSchema(many[:MaxFields]...); err != nil {
		t.Error(err)
	}
}

// Schemas that differ in anything are told apart.
func TestDigests(t *testing.T) {
	seen := map[uint32]string{}
	for _, fields := range [][]Field{
		{{"x", Position, 8}}, {{"y", Position, 8}}, {{"x", Angle, 8}}, {{"x", Position, 9}}, {{"x", Position, 8}, {"y", Position, 8}},
		{{"y", Position, 8}, {"x", Position, 8}}, {{"xy", Position, 8}}, World.Fields(),
	} {
		s := mustSchema(fields...)
		if other, there := seen[s.digest]; there {
			t.Errorf("%v has the digest of %s", fields, other)
		}
		seen[s.digest] = fields[0].Name
	}
}

func TestFieldsAreACopy(t *testing.T) {
	World.Fields()[0].Bits = 1
	if got := World.Fields()[0]; got != (Field{"x", Position, 20}) {
		t.Errorf("got %v", got)
	}
}

func TestBadConfigs(t *testing.T) {
	good := Config{Schema: World, Epoch: maxWhole, Start: time.UnixMilli(0), Hz: maxHz}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*Config){
		"Schema": func(c *Config) { c.Schema = nil },
		"Epoch":  func(c *Config) { c.Epoch++ },
		"Start":  func(c *Config) { c.Start = time.UnixMilli(-1) },
		"Hz":     func(c *Config) { c.Hz++ },
	} {
		bad := good
		spoil(&bad)
		if _, err := NewEncoder(bad); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("got %v, want a word about %s", err, field)
		}
	}
}
