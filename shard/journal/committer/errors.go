package committer

import "errors"

var (
	// ErrFenced: the log has been sealed, and the seal was read. What was not
	// durable before is lost, and the incarnation must end.
	ErrFenced = errors.New("log is sealed")

	// ErrDiverged: something stands in the log that its writer did not write and
	// that is not a seal. The log ends, as it does when fenced.
	ErrDiverged = errors.New("log holds an entry of somebody else")
)
