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
// router to their owners. The caller supplies the token, the router and the view
// and closes them after the Server. The package keeps no state; the answers to
// repeated calls come from the actors' own tables.
package admin
