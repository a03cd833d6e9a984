package actorstest

import (
	"fmt"
	"sort"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Format writes a message on one line, as Name{field:value ...} with the fields
// in the order of their numbers. Unlike the encodings of the protobuf library it
// always gives the same text, so that traces can be compared.
func Format(m proto.Message) string {
	if m == nil {
		return "nothing"
	}
	return format(m.ProtoReflect())
}

func format(m protoreflect.Message) string {
	type field struct {
		number int
		text   string
	}
	var fields []field
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		var text string
		switch {
		case d.IsList():
			var parts []string
			for i := range v.List().Len() {
				parts = append(parts, value(d, v.List().Get(i)))
			}
			text = "[" + strings.Join(parts, " ") + "]"
		case d.IsMap():
			var parts []string
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				parts = append(parts, k.String()+":"+value(d.MapValue(), v))
				return true
			})
			sort.Strings(parts)
			text = "{" + strings.Join(parts, " ") + "}"
		default:
			text = value(d, v)
		}
		fields = append(fields, field{int(d.Number()), string(d.Name()) + ":" + text})
		return true
	})
	sort.Slice(fields, func(i, j int) bool { return fields[i].number < fields[j].number })
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.text
	}
	return string(m.Descriptor().Name()) + "{" + strings.Join(texts, " ") + "}"
}

// Timeless is a copy of a message without the times at which things happened, in
// fields named "at": they say nothing in a trace.
func Timeless(m proto.Message) proto.Message {
	m = proto.Clone(m)
	forgetTimes(m.ProtoReflect())
	return m
}

func forgetTimes(m protoreflect.Message) {
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		inner := d.Message()
		switch {
		case d.Name() == "at" && (d.Kind() == protoreflect.Int64Kind || inner != nil && inner.FullName() == "google.protobuf.Timestamp"):
			m.Clear(d)
		case d.IsMap() || inner == nil:
		case d.IsList():
			for i := range v.List().Len() {
				forgetTimes(v.List().Get(i).Message())
			}
		default:
			forgetTimes(v.Message())
		}
		return true
	})
}

func value(d protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case d.Message() != nil:
		return format(v.Message())
	case d.Enum() != nil:
		if e := d.Enum().Values().ByNumber(v.Enum()); e != nil {
			return string(e.Name())
		}
	}
	return fmt.Sprint(v.Interface())
}
