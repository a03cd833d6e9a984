package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

const (
	envPrefix = "HOLDFAST_"

	// fileFlag names the YAML file. It is a flag and a variable, but no key.
	fileFlag = "config"
)

// AddFlags adds a flag for each setting, and --config.
func AddFlags(flags *pflag.FlagSet) {
	flags.String(fileFlag, "", "YAML file with settings")
	for _, s := range settings {
		flags.String(s.name, s.def, s.usage)
		if s.def == "false" || s.def == auto {
			flags.Lookup(s.name).NoOptDefVal = "true" // --name alone
		}
	}
	flags.SortFlags = false
}

// delimiter separates the levels of nested keys. Settings are not nested, and
// names and values may have dots: it is a character that neither has.
const delimiter = "\x00"

// layer is one source of settings.
type layer struct {
	values *koanf.Koanf
	source func(setting string) string
}

// Load gathers the settings from flags that AddFlags made, the variables in
// environ (as os.Environ), the file that either names, and the defaults.
func Load(flags *pflag.FlagSet, environ []string) (*Config, error) {
	layers, err := readLayers(flags, environ)
	if err != nil {
		return nil, err
	}
	c := &Config{sources: make(map[string]string, len(settings))}
	for _, s := range settings {
		for _, l := range slices.Backward(layers) {
			if !l.values.Exists(s.name) {
				continue
			}
			c.sources[s.name] = l.source(s.name)
			if err := s.set(c, l.values.Get(s.name)); err != nil {
				return nil, c.Errorf(s.name, "%w", err)
			}
			break
		}
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// readLayers returns the sources, the weakest first.
func readLayers(flags *pflag.FlagSet, environ []string) ([]layer, error) {
	defaults := make(map[string]any, len(settings))
	for _, s := range settings {
		defaults[s.name] = s.def
	}
	byDefault, err := read(confmap.Provider(defaults, delimiter), nil)
	if err != nil {
		return nil, fmt.Errorf("read defaults: %w", err)
	}
	byEnv, err := read(env.Provider(delimiter, env.Opt{
		Prefix:        envPrefix,
		EnvironFunc:   func() []string { return environ },
		TransformFunc: func(k, v string) (string, any) { return settingOf(k), v },
	}), nil)
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	byFlag, err := read(posflag.Provider(flags, delimiter, nil), nil)
	if err != nil {
		return nil, fmt.Errorf("read flags: %w", err)
	}
	layers := []layer{{byDefault, func(string) string { return "default" }}}
	name := byEnv.String(fileFlag)
	if byFlag.Exists(fileFlag) {
		name = byFlag.String(fileFlag)
	}
	if name != "" {
		byFile, err := readFile(name)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer{byFile, func(string) string { return name }})
	}
	return append(layers,
		layer{byEnv, func(s string) string { return variable(s) }},
		layer{byFlag, func(s string) string { return "--" + s }},
	), nil
}

// readFile reads a YAML file, which must hold nothing but settings.
func readFile(name string) (*koanf.Koanf, error) {
	k, err := read(file.Provider(name), yaml.Parser())
	if err != nil {
		return nil, fmt.Errorf("read config file %s: %w", name, err)
	}
	for _, key := range slices.Sorted(maps.Keys(k.Raw())) {
		if !isSetting(key) {
			return nil, fmt.Errorf("read config file %s: unknown key %q", name, key)
		}
	}
	return k, nil
}

func read(p koanf.Provider, parser koanf.Parser) (*koanf.Koanf, error) {
	k := koanf.New(delimiter)
	if err := k.Load(p, parser); err != nil {
		return nil, err
	}
	return k, nil
}

func isSetting(name string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool { return s.name == name })
}

// variable is the environment variable of a setting.
func variable(setting string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// settingOf is the setting of an environment variable, "" when it is somebody
// else's: an orchestrator puts variables of its own under a service's name.
func settingOf(variable string) string {
	name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, envPrefix), "_", "-"))
	if name != fileFlag && !isSetting(name) {
		return ""
	}
	return name
}
