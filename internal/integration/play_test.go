package integration

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/browsertest"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// Two people meet on the page of a single node: they see each other walk, talk,
// buy, strike, and come back when the node does.
func TestPlayPage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	browser := browsertest.Start(t, ctx)
	dir := t.TempDir()
	node := newProcess(t, binary, "only", dir, "serve", "--data", dir, "--node", "only", "--listen", freePort(t), "--admin", freePort(t))
	node.start()
	at := node.ready(ctx)

	ada := openTab(t, browser, "Ada", at.Listen, 1280, 800)
	ada.await("there is a door", "document.readyState === 'complete'")
	ada.shoot("play-door")
	ada.enter()
	finn := openTab(t, browser, "Finn", at.Listen, 1280, 800)
	finn.enter()

	meet(ada, finn)
	if *playShots != "" {
		pause(ctx, 11*time.Second) // pictures should not tell what it took to start the browser
	}
	trade(ada, finn)
	fight(ada, finn)
	holdPhone(finn, ada)

	// It is the page's own measure that delta frames are worth it.
	ada.await("frames are small", "parseFloat(document.getElementById('ratio').textContent) > 5")
	ada.await("frames come in time", "parseFloat(document.getElementById('latency').textContent.replace('< ', '')) < 500")
	t.Logf("Ada's status: %s, %s, %s, %s", ada.text("rate"), ada.text("latency"), ada.text("ratio"), ada.text("ticks"))
	for _, p := range []*tab{ada, finn} {
		if owner := p.text("owner"); owner != "only" {
			t.Errorf("%s sees that %q runs the zone, want only", p.name, owner)
		}
	}

	// The pages wait for a server that goes away, and find back into the world.
	node.kill()
	ada.await("the connection is lost", "!document.getElementById('banner').hidden")
	ada.shoot("play-waiting")
	node.start()
	node.ready(ctx)
	for _, p := range []*tab{ada, finn} {
		p.await("the connection is back", "document.getElementById('banner').hidden")
	}
	ada.key("KeyA", true)
	finn.seesMove("Ada")
	ada.key("KeyA", false)
	ada.say("here again")
	finn.hears("here again")
	ada.await("the lantern is still there", "document.getElementById('owned').textContent === '1 yours'")
	for _, p := range []*tab{ada, finn} {
		p.unharmed()
	}
}

// meet has two players see each other, and walk to the middle of the plaza.
func meet(ada, finn *tab) {
	ada.sees(finn.name)
	finn.sees(ada.name)
	ada.key("KeyD", true)
	finn.seesMove(ada.name)
	ada.key("KeyD", false)
	ada.walkTo(27, 20)
	finn.walkTo(28.5, 20.9)
	ada.arrives(27, 20)
	finn.arrives(28.5, 20.9)
}

// trade has one of them buy, and both see that there is one less.
func trade(buyer, other *tab) {
	for _, p := range []*tab{buyer, other} {
		p.await("there are lanterns", "document.getElementById('stock').textContent === '500'")
	}
	buyer.click("buy")
	buyer.await("a lantern was bought", "document.querySelector('.toast.good') !== null && document.getElementById('owned').textContent === '1 yours'")
	for _, p := range []*tab{buyer, other} {
		p.await("there is one less", "document.getElementById('stock').textContent === '499'")
	}
}

// fight has one of them talk and strike, and the other feel it.
func fight(striker, other *tab) {
	other.say("is that a lantern?")
	striker.hears("is that a lantern?")
	striker.say("mine!")
	other.hears("mine!")
	striker.await("somebody is near", "document.getElementById('strike').classList.contains('ready')")
	// A bot that comes between them gets the blow.
	other.await("it hurts", "document.getElementById('hurt').classList.contains('now')", func() { striker.press("Space") })
	striker.shoot("play-desktop")
}

// holdPhone has one of them go on on a phone: with a stick, and a chat that opens.
func holdPhone(p, other *tab) {
	p.do("become a phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.await("there is a stick", "innerWidth === 390 && document.getElementById('pad').getBoundingClientRect().bottom === 844")
	p.drag(96, 740, 146, 740)
	other.seesMove(p.name)
	p.lift()
	p.shoot("play-phone")
	p.click("talk")
	p.say("I am on my phone now")
	other.hears("I am on my phone now")
	p.shoot("play-phone-chat")
	p.say("") // closes it
	p.await("the stick is back", "getComputedStyle(document.getElementById('pad')).visibility === 'visible'")
}

// The zone's shard is moved while two people walk, and then its owner is killed.
// Of the move they see the owner's name; of the kill, that the world stands still
// for a moment.
func TestPlayPageSurvives(t *testing.T) {
	t.Setenv("HOLDFAST_PLAY", "true") // the cluster's etcd and NATS are its own
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	browser := browsertest.Start(t, ctx)
	d := &drill{threeNodes: startThree(t, ctx, binary), t: t, ctx: ctx}
	d.even()

	ada := openTab(t, browser, "Ada", d.at[0].Listen, 1280, 800)
	finn := openTab(t, browser, "Finn", d.at[1].Listen, 1280, 800)
	both := []*tab{ada, finn}
	for _, p := range both {
		p.enter()
	}
	d.moveZone("b")
	for _, p := range both {
		p.await("b runs the zone", owned("b"))
	}
	ada.sees("Finn")
	finn.sees("Ada")

	// Everything that would show a hitch is watched from here on.
	for _, p := range both {
		value[bool](p, watchHitches)
	}
	ada.key("KeyD", true)
	finn.key("KeyA", true)
	finn.seesMove("Ada")
	d.moveZone("c")
	for _, p := range both {
		p.await("c runs the zone", owned("c"))
		p.shoot("play-moved-" + p.name)
	}
	ada.key("KeyD", false)
	finn.key("KeyA", false)
	ada.key("KeyW", true)
	finn.seesMove("Ada")
	for _, p := range both {
		if hitches := value[string](p, "hitches.join('; ')"); hitches != "" {
			t.Errorf("%s saw more of the move than the owner's name: %s", p.name, hitches)
		}
		t.Logf("%s after the move: %s", p.name, p.text("ticks"))
	}
	ada.key("KeyW", false)

	died := time.Now()
	d.nodes[2].kill()
	for _, p := range both {
		p.await("another runs the zone", "/^[ab]$/.test(document.getElementById('owner').textContent)")
	}
	ada.key("KeyS", true)
	finn.seesMove("Ada")
	t.Logf("the world went on %v after its owner was killed, on node %s", time.Since(died).Round(time.Millisecond), ada.text("owner"))
	ada.key("KeyS", false)
	finn.key("KeyD", true)
	ada.seesMove("Finn")
	finn.key("KeyD", false)
	ada.say("still here?")
	finn.hears("still here?")
	for _, p := range both {
		p.unharmed()
	}
}

// owned is true in a page that names this node as the zone's.
func owned(node string) string {
	return "document.getElementById('owner').textContent === '" + node + "'"
}

// watchHitches notes, in the page, whatever should not be seen while the zone's
// shard is moved.
const watchHitches = `(() => {
	window.hitches = [];
	const note = (what) => () => window.hitches.push(what + " at " + Math.round(performance.now()));
	const watch = (id, what) => new MutationObserver(note(what)).observe(document.getElementById(id),
		{ childList: true, subtree: true, attributes: true, characterData: true });
	watch("link", "the connection's state");
	watch("banner", "a banner");
	watch("toasts", "a message");
	watch("lines", "a line in the chat");
	return true;
})()`

// moveZone has the page's zone run by a node.
func (d *drill) moveZone(node string) {
	d.t.Helper()
	shard := int((cluster.ActorID{Kind: "zone", ID: "plaza"}).Shard(shardCount))
	if d.owners(0)[shard] == node {
		return
	}
	if _, err := d.admin(0).Move(d.ctx, connect.NewRequest(&adminv1.MoveRequest{Shard: uint32(shard), Node: node})); err != nil {
		d.t.Fatalf("move the zone to %s: %v", node, err)
	}
	d.nodes[0].await(d.ctx, "see the zone with "+node, func() bool { return d.owners(0)[shard] == node })
}
