package cluster

// OpenViewPaged is OpenView with pages of another size.
var OpenViewPaged = openView
