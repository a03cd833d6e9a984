package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/gateway/auth"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// More clients than a process may have open files come to a node. Those for whom
// there is room are served, the others are told that there is none, and the node
// has files left for its own: without that its log would never get over it.
func TestMoreClientsThanFiles(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const files = 640
	dir := t.TempDir()
	node := newProcess(t, "/bin/sh", "small", dir, "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), binary,
		"serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--start-balance", "gold=10")
	node.start()
	at := node.ready(ctx)
	secret := []byte(node.secret(at.SecretFile))
	var inside []*client.Conn
	refused := 0
	for i := range files {
		token, err := auth.Mint(secret, auth.Grant{Player: fmt.Sprintf("p%d", i), Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := client.Dial(ctx, "ws://"+at.Listen+"/v1/ws", client.Options{Token: token})
		if err != nil {
			refused++
			continue
		}
		defer conn.Close()
		inside = append(inside, conn)
	}
	t.Logf("%d are inside, %d were refused", len(inside), refused)
	if len(inside) < files/4 || refused < files/4 {
		t.Errorf("%d clients are inside and %d were refused, with %d files", len(inside), refused, files)
	}
	// The node can write, and whoever is inside can buy.
	if _, status := run(t, ctx, "ctl", "--data", dir, "sku", "put", "hat", "--price", "1", "--currency", "gold", "--stock", "1000"); status != 0 {
		t.Fatalf("sku put ended with %d", status)
	}
	for _, conn := range inside {
		if _, err := conn.Buy(ctx, &clientv1.Buy{Sku: "hat", Quantity: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if !node.log.contains("bounds how many clients") {
		t.Error("nobody is told that there is room for fewer clients")
	}
	if node.log.contains("too many open files") {
		t.Error("the node has run out of files")
	}
}
