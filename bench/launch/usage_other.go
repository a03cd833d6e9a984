//go:build !linux

package launch

import "errors"

// Usage is not known here.
func (p *Process) Usage() (Usage, error) {
	return Usage{}, errors.New("read usage: processes can be looked into on Linux only")
}
