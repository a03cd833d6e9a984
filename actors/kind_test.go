package actors_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-game/holdfast/actors"
)

func kind(name string) actors.Kind {
	message := func() proto.Message { return new(emptypb.Empty) }
	return actors.Kind{Name: name, New: func(string) actors.Behaviour { return nil }, Event: message, State: message}
}

func TestRegistry(t *testing.T) {
	r, err := actors.NewRegistry(kind("stock"), kind("player"))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Names(); !slices.Equal(got, []string{"player", "stock"}) {
		t.Errorf("names %v", got)
	}
	if _, ok := r.Kind("player"); !ok {
		t.Error("player is not registered")
	}
	if _, ok := r.Kind("guild"); ok {
		t.Error("guild is registered")
	}
}

func TestRegistryRefusesWhatCannotBeHosted(t *testing.T) {
	lacking := kind("player")
	lacking.State = nil
	method := kind("player")
	method.Methods = map[string]actors.Method{"Buy": {}}
	for want, kinds := range map[string][]actors.Kind{
		"must match": {kind("Player")}, "name": {kind("")}, "twice": {kind("player"), kind("player")},
		"State": {lacking}, `"Buy"`: {method},
	} {
		if _, err := actors.NewRegistry(kinds...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want it to speak of %s", err, want)
		}
	}
}

func TestRules(t *testing.T) {
	to := actors.Ref{Kind: "player", ID: "ann"}
	for _, test := range []struct {
		name   string
		rule   actors.Rule
		caller actors.Caller
		want   bool
	}{
		{"anyone", actors.Anyone, actors.Caller{Player: "bob"}, true},
		{"self", actors.Self, actors.Caller{Player: "ann"}, true},
		{"another", actors.Self, actors.Caller{Player: "bob"}, false},
		{"an operator as self", actors.Self, actors.Caller{Admin: true}, false},
		{"a player as operator", actors.Admin, actors.Caller{Player: "ann"}, false},
		{"an operator", actors.Admin, actors.Caller{Admin: true}, true},
	} {
		if got := test.rule(test.caller, to); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
