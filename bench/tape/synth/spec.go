package synth

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Spec is who does what, and when. In YAML the names of the fields are in lower
// case, and times are written like 1m30s.
type Spec struct {
	Name     string        `yaml:"name"`
	Seed     uint64        `yaml:"seed"`
	Duration time.Duration `yaml:"duration"`
	Products Products      `yaml:"products"`
	Zones    []Zone        `yaml:"zones"`
	Crowds   []Crowd       `yaml:"crowds"`
}

// Products are what is bought, looked at and watched. They are called prefix and
// number, from 1, the most popular first.
type Products struct {
	Prefix string `yaml:"prefix"`
	Count  int    `yaml:"count"`
	// Zipf is the exponent of their popularity. 0: all are alike.
	Zipf float64 `yaml:"zipf"`
	// Quantity is the most that is bought at once. 0: 1.
	Quantity int `yaml:"quantity"`
}

// Zone is where players walk.
type Zone struct {
	Name   string  `yaml:"name"`
	Width  float64 `yaml:"width"`
	Height float64 `yaml:"height"`
}

// Crowd are players who behave alike, each for itself.
type Crowd struct {
	Name    string  `yaml:"name"`
	Players int     `yaml:"players"`
	Arrive  Arrival `yaml:"arrive"`
	// Stay is how long they are connected. Absent: until the end.
	Stay Span `yaml:"stay"`
	// Think is the time between two things that they do. Absent: they do nothing.
	Think Span `yaml:"think"`
	// Zone is where they are; "" for nowhere.
	Zone string `yaml:"zone"`
	// First is what they do at once, in this order.
	First []string `yaml:"first"`
	// Then is what they do afterwards, and how often compared to the rest.
	Then map[string]float64 `yaml:"then"`
	// Sale has all of them who are there buy the same product at once.
	Sale *Sale `yaml:"sale"`
}

// Arrival is when players connect.
type Arrival struct {
	From time.Duration `yaml:"from"`
	To   time.Duration `yaml:"to"`
	// Shape is even (the same all the time), rush (the more, the later) or wave
	// (most in the middle). "": even.
	Shape string `yaml:"shape"`
}

// Span is a time that varies: log-normal.
type Span struct {
	Median time.Duration `yaml:"median"`
	// Spread is the standard deviation of the logarithm. 0: always the median; 1:
	// one in six takes longer than 2.7 times it.
	Spread float64 `yaml:"spread"`
}

// Sale is what everybody has waited for.
type Sale struct {
	At time.Duration `yaml:"at"`
	// Product is its number.
	Product int `yaml:"product"`
	// Reaction is how long after At they buy first.
	Reaction Span `yaml:"reaction"`
	// Tries is how often they buy; Again is the time between.
	Tries int  `yaml:"tries"`
	Again Span `yaml:"again"`
}

//go:embed profiles/*.yaml
var profiles embed.FS

// Profiles are the names of the specs that are built in.
func Profiles() []string {
	files, err := profiles.ReadDir("profiles")
	if err != nil {
		panic(err) // they are part of the program
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names
}

// Profile returns a built-in spec as it is written.
func Profile(name string) (text []byte, err error) {
	if text, err = profiles.ReadFile(path.Join("profiles", name+".yaml")); err != nil {
		return nil, fmt.Errorf("there is no profile %q; those that are there are %s", name, strings.Join(Profiles(), ", "))
	}
	return text, nil
}

// Parse reads a spec. What it does not know it refuses.
func Parse(text []byte) (*Spec, error) {
	s := new(Spec)
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("spec: %w", err)
	}
	return s, s.Validate()
}

const (
	maxPlayers  = 10_000_000
	maxProducts = 1_000_000
	maxSpread   = 5
)

// Validate says what cannot work, and where.
func (s *Spec) Validate() error {
	if s.Duration <= 0 {
		return fmt.Errorf("spec: duration: %v, must be positive", s.Duration)
	}
	if p := s.Products; p.Count < 0 || p.Count > maxProducts || !(p.Zipf >= 0 && p.Zipf <= 10) || p.Quantity < 0 || p.Quantity > 1000 {
		return errors.New("spec: products: count must be 0 to 1,000,000, zipf 0 to 10, quantity 0 to 1,000")
	}
	for _, z := range s.Zones {
		if z.Name == "" || !(z.Width > 0) || !(z.Height > 0) {
			return fmt.Errorf("spec: zone %q: needs a name, a width and a height", z.Name)
		}
	}
	total := 0
	for i := range s.Crowds {
		c := &s.Crowds[i]
		if err := s.check(c); err != nil {
			return fmt.Errorf("spec: crowd %q: %w", c.Name, err)
		}
		if slices.ContainsFunc(s.Crowds[:i], func(o Crowd) bool { return o.Name == c.Name }) {
			return fmt.Errorf("spec: crowd %q: is there twice", c.Name)
		}
		if total += c.Players; total > maxPlayers {
			return fmt.Errorf("spec: more than %d players", maxPlayers)
		}
	}
	if total == 0 {
		return errors.New("spec: crowds: no players")
	}
	return nil
}

func (s *Spec) check(c *Crowd) error {
	switch {
	case c.Name == "":
		return errors.New("name: empty; it names the players")
	case c.Players < 0 || c.Players > maxPlayers:
		return fmt.Errorf("players: %d, must be 0 to %d", c.Players, maxPlayers)
	case c.Arrive.From < 0 || c.Arrive.To < c.Arrive.From || c.Arrive.To > s.Duration:
		return fmt.Errorf("arrive: from %v to %v, must be within %v", c.Arrive.From, c.Arrive.To, s.Duration)
	case !slices.Contains([]string{"", "even", "rush", "wave"}, c.Arrive.Shape):
		return fmt.Errorf("arrive: shape: %q, must be even, rush or wave", c.Arrive.Shape)
	case c.Zone != "" && s.zone(c.Zone) == nil:
		return fmt.Errorf("zone: %q is not among the zones", c.Zone)
	case len(c.Then) > 0 && c.Think.Median <= 0:
		return errors.New("think: median: must be positive for those who do something")
	}
	for name, span := range map[string]Span{"stay": c.Stay, "think": c.Think} {
		if err := span.check(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	does := slices.Concat(c.First, slices.Sorted(maps.Keys(c.Then)))
	for _, name := range does {
		if err := s.checkAction(c, name); err != nil {
			return err
		}
		if w := c.Then[name]; !(w >= 0 && w <= 1e6) {
			return fmt.Errorf("then: %s: %g, must be 0 to 1,000,000", name, w)
		}
	}
	if c.Sale == nil {
		return nil
	}
	return s.checkSale(c.Sale)
}

func (s *Spec) checkAction(c *Crowd, name string) error {
	a, known := actions[name]
	switch {
	case !known:
		return fmt.Errorf("%q is nothing that players do; they do %s", name, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	case a.inZone && c.Zone == "":
		return fmt.Errorf("%s: needs a zone", name)
	case a.ofProducts && s.Products.Count == 0:
		return fmt.Errorf("%s: needs products", name)
	}
	return nil
}

func (s *Spec) checkSale(sale *Sale) error {
	switch {
	case sale.At < 0 || sale.At > s.Duration:
		return fmt.Errorf("sale: at: %v, must be within %v", sale.At, s.Duration)
	case sale.Product < 1 || sale.Product > s.Products.Count:
		return fmt.Errorf("sale: product: %d, must be 1 to %d", sale.Product, s.Products.Count)
	case sale.Tries < 1 || sale.Tries > 1000:
		return fmt.Errorf("sale: tries: %d, must be 1 to 1,000", sale.Tries)
	}
	if err := errors.Join(sale.Reaction.check(), sale.Again.check()); err != nil {
		return fmt.Errorf("sale: %w", err)
	}
	return nil
}

func (s Span) check() error {
	if s.Median < 0 || !(s.Spread >= 0 && s.Spread <= maxSpread) {
		return fmt.Errorf("median %v, spread %g: must not be negative, and the spread at most %d", s.Median, s.Spread, maxSpread)
	}
	return nil
}

func (s *Spec) zone(name string) *Zone {
	i := slices.IndexFunc(s.Zones, func(z Zone) bool { return z.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Zones[i]
}
