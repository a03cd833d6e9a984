// Package serve is the process of one node: `holdfast serve`.
//
// It wires the packages together and decides when each of them begins and ends;
// it does none of their work. node.go has the whole life of a node on one page:
// what is opened, in which order, and what runs. Everything that can fail for an
// operator's mistake (settings, folder, keys, ports, servers) is tried before
// the node joins its cluster, so that a bad start leaves nothing behind.
package serve
