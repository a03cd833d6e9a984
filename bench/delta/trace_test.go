package delta

import (
	"reflect"
	"strings"
	"testing"
)

func TestTracesAreReadAsWritten(t *testing.T) {
	for _, kind := range Kinds() {
		made, err := Generate(GenerateConfig{Kind: kind, Seed: 3, Ticks: 40, Entities: 7})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := WriteTrace(&text, made); err != nil {
			t.Fatal(err)
		}
		read, err := ReadTrace(strings.NewReader(text.String()))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(read, made) {
			t.Errorf("%s: another trace was read", kind)
		}
	}
}

func TestTracesInOtherOrders(t *testing.T) {
	want := Trace{
		{Tick: 4, Entities: []Entity{{1, 10, 20, 30, 40, 5}, {9, 1, 2, 3, 4, 0}}},
		{Tick: 6, Entities: []Entity{{1, 11, 20, 30, 40, 5}}},
	}
	for name, text := range map[string]string{
		"as written":        "tick,entity,x,y,heading,hp,state\n4,1,10,20,30,40,5\n4,9,1,2,3,4,0\n6,1,11,20,30,40,5\n",
		"other columns":     "entity,tick,state,x,y,hp,heading\n1,4,5,10,20,40,30\n9,4,0,1,2,4,3\n1,6,5,11,20,40,30\n",
		"entities unsorted": "tick,entity,x,y,heading,hp,state\n4,9,1,2,3,4,0\n4,1,10,20,30,40,5\n6,1,11,20,30,40,5\n",
		"no header":         "4,1,10,20,30,40,5\r\n4,9,1,2,3,4,0\r\n6,1,11,20,30,40,5\r\n",
		"spaces":            "\ufefftick, entity, x, y, heading, HP, state\n4, 1, 10, 20, 30, 40, 5\n4, 9, 1, 2, 3, 4, 0\n\n6, 1, 11, 20, 30, 40, 5",
	} {
		got, err := ReadTrace(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestBadTraces(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"", "0 ticks"},
		{"tick,entity,x,y,heading,hp,state\n1,1,1,1,1,1,1\n", "1 ticks"},
		{"1,1,1,1,1,1\n", "wrong number of fields"},
		{"1,1,1,1,1,1,1\n2,1,-5,1,1,1,1\n", "line 2: x is \"-5\", not a whole number from 0 to 16777215"},
		{"1,1,1,1,1,1,1\n2,1,16777216,1,1,1,1\n", "line 2: x is"},
		{"1,1,1.5,1,1,1,1\n", "line 1: x is \"1.5\""},
		{"1,1,1,1,256,1,1\n", "line 1: heading is"},
		{"1,1,1,1,1,1024,1\n", "line 1: hp is"},
		{"1,1,1,1,1,1,8\n", "line 1: state is"},
		{"1,4294967296,1,1,1,1,1\n", "line 1: entity is"},
		{"5,1,1,1,1,1,1\n4,1,1,1,1,1,1\n", "line 2: tick 4 after tick 5"},
		{"5,1,1,1,1,1,1\n5,1,2,1,1,1,1\n", "line 2: entity 1 twice in tick 5"},
	} {
		if _, err := ReadTrace(strings.NewReader(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %s", tc.text, err, tc.want)
		}
	}
}
