// Package admin is a node's listener for operators: the AdminService of
// proto/admin/v1, health and readiness, metrics and profiles.
//
//	/holdfast.admin.v1.AdminService/…   with the bearer token
//	/healthz    200 while the process answers
//	/readyz     200 while the node serves what it should
//	/metrics    for Prometheus
//	/debug/pprof/…   from the machine itself, or with the bearer token
//
// Any node answers for the whole cluster: what concerns actors goes through the
// router to their owners, and what concerns ownership is a wish that goes to etcd,
// for the coordinator and the owners to carry out. The caller supplies what a
// Service stands on (Deps), and closes it after the Server. The package keeps no
// state: the answers to repeated calls come from the actors' own tables, and under
// which number a dead letter is replayed is noted with the letter.
package admin
