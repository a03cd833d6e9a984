package baseline

import "testing"

// Of two purchases that have read the same, and of which each changes what the
// other has read, the second is not made.
func TestEtcdRaces(t *testing.T) {
	p, err := peerNamed("etcd")
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	}()
	s := r.Store.(*etcdStore)
	put(t, s, Product{SKU: "hat", Price: 1, Stock: 100}, map[string]int64{"ann": 100, "ben": 100})
	put(t, s, Product{SKU: "cap", Price: 1, Stock: 100}, nil)
	put(t, s, Product{SKU: "fez", Price: 1, Stock: 0}, nil)
	for what, pair := range map[string][2]Purchase{
		"two players want the last hat":    {{"ann", 1, "hat", 1}, {"ben", 1, "hat", 1}},
		"a player spends his last gold":    {{"ann", 2, "hat", 1}, {"ann", 3, "cap", 1}},
		"a request was answered otherwise": {{"ann", 4, "fez", 1}, {"ann", 4, "cap", 1}},
	} {
		first, second := readTrade(t, s, pair[0]), readTrade(t, s, pair[1])
		if !commitTrade(t, s, first) {
			t.Errorf("%s: the first was not made, although nobody raced it yet", what)
		}
		if commitTrade(t, s, second) {
			t.Errorf("%s: both were made", what)
		}
	}
}

// readTrade reads and decides, and does not commit.
func readTrade(t *testing.T, s *etcdStore, p Purchase) *etcdTrade {
	t.Helper()
	trade := newEtcdTrade(&p)
	read, err := s.client.Txn(t.Context()).Then(trade.gets()...).Commit()
	if err != nil {
		t.Fatal(err)
	}
	if err := trade.take(read); err != nil {
		t.Fatal(err)
	}
	return trade
}

func commitTrade(t *testing.T, s *etcdStore, trade *etcdTrade) bool {
	t.Helper()
	done, err := trade.commit(t.Context(), s.client)
	if err != nil {
		t.Fatal(err)
	}
	return done.Succeeded
}
