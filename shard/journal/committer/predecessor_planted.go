//go:build plant_no_expected_sequence

package committer

// NamesPredecessor is a planted bug: a log that anybody may write behind, a
// seal included, without its writer being told.
const NamesPredecessor = false
