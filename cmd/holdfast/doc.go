// Command holdfast runs nodes, operates clusters and puts load on them.
//
// Its status is 0 when all went well, 1 when a command ran and what it found or
// did is bad, and 2 when it could not start. In the latter cases one line on
// standard error says what is wrong and where.
package main
