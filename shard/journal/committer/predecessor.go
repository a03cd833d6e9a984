//go:build !plant_no_expected_sequence

package committer

// NamesPredecessor: each append names the entry that it expects before itself,
// and its acknowledgement is believed only at the place behind that one. A
// build without it exists to show that the tests find out.
const NamesPredecessor = true
