import { type ChatLine, Client, type Entity, type Zone } from '../src/index.js';
import { Body } from './body.js';
import { ChatPanel } from './hud/chat.js';
import { flash, part, say } from './hud/page.js';
import { PeoplePanel } from './hud/people.js';
import { StatusLine } from './hud/status.js';
import { toast } from './hud/toasts.js';
import { Controls } from './input/controls.js';
import { Market } from './market.js';
import { Pauses } from './pauses.js';
import { firstBot } from './stage/figure.js';
import type { Scene, Stage } from './stage/stage.js';
import { fetchToken } from './token.js';

const firstZone = 'plaza';
// How long a bubble stays over a head.
const bubbleMs = 5_000;
// The panels are read, not watched: twice a second is enough.
const panelsMs = 500;

/** One player in one zone, from the door on. */
export class Game {
  private readonly status = new StatusLine();
  private readonly people = new PeoplePanel((place) => this.body.walk(place));
  private readonly pauses = new Pauses();
  private readonly chat: ChatPanel;
  private readonly market: Market;
  private readonly body: Body;
  private readonly scene: Scene;
  private readonly bubbles = new Map<string, { text: string; until: number }>();
  private entities: Entity[] = [];
  private panelsAt = 0;

  /** Gets a token, connects, and walks into a zone. What is in the way is thrown. */
  static async enter(name: string, stage: Stage): Promise<Game> {
    const client = await Client.connect({ token: () => fetchToken(name), name: 'holdfast-play' });
    try {
      return new Game(client, await client.enterZone(await someZone(client)), stage);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(
    private readonly client: Client,
    private readonly zone: Zone,
    private readonly stage: Stage,
  ) {
    this.chat = new ChatPanel((text) => zone.chat.say(text));
    this.market = new Market(client);
    this.body = new Body(zone);
    this.scene = {
      zone: zone.info, me: zone.entity, nameOf: (id) => zone.chat.playerOf(id) ?? '',
      target: 0, goal: null, lanterns: 0, bubbles: this.bubbles,
    };
    this.people.zone(zone.name);
    this.status.node(zone.owner);
    this.status.link('open', 'connected');
    new Controls(part('stage'), part('pad'), part('strike'), {
      steer: (d) => this.body.steer(d),
      point: (x, y) => this.body.point(stage.camera.at(x, y), this.entities),
      strike: () => this.body.strike(),
      talk: () => this.chat.focus(),
    });
    this.listen();
    this.market.open();
  }

  private listen(): void {
    const { client, zone } = this;
    client.on('state', (state) => {
      if (state === 'open') this.status.link('open', 'connected');
      else if (state === 'closed') this.status.link('closed', 'disconnected: load the page again');
      else this.status.link('waiting', 'connecting again');
    });
    zone.on('owner', (node) => this.status.node(node));
    zone.on('entered', () => this.status.node(zone.owner));
    zone.on('frame', () => this.pauses.frame(performance.now()));
    zone.on('left', (why) => this.status.link('closed', why ? `the zone is closed: ${why.message}` : 'you have left'));
    zone.on('refused', (why) => toast('bad', 'You cannot walk', why.text));
    for (const line of zone.chat.lines) this.chat.add(line, false);
    zone.chat.on('line', (line) => this.hear(line));
    zone.chat.on('presence', (p) => {
      for (const { player } of p.joined) if (player !== client.player) this.chat.note(`${player} is here`);
      for (const { player } of p.left) this.chat.note(`${player} has gone`);
      this.panelsAt = 0;
    });
    this.stage.onSelf = (what) => {
      if (what === 'hit') flash(part('hurt'), 'now');
      if (what === 'fell') this.body.stop();
    };
  }

  private hear(line: ChatLine): void {
    const mine = line.player === this.client.player;
    if (this.chat.add(line, !mine)) this.bubbles.set(line.player, { text: line.text, until: performance.now() + bubbleMs });
  }

  /** Shows the world as it is now, by performance.now(). */
  frame(now: number): void {
    const { scene, zone, stage } = this;
    this.entities = zone.entities(now);
    this.body.look(this.entities, now);
    scene.zone = zone.info;
    scene.me = zone.entity;
    scene.target = this.body.target;
    scene.goal = this.body.goal;
    scene.lanterns = this.market.owned;
    stage.draw(now, scene, this.entities);
    this.people.draw(zone.info, stage.camera, stage.figures, zone.entity);
    this.body.show(now);
    if (now >= this.panelsAt) {
      this.panelsAt = now + panelsMs;
      this.panels(now);
    }
  }

  private panels(now: number): void {
    const { zone, client } = this;
    const stats = zone.stats;
    const me = this.body.me;
    this.status.show({ ...stats, pauseMs: this.pauses.longest(now), at: me ?? null });
    const places = new Map<string, Entity>();
    let bots = 0;
    for (const e of this.entities) {
      if (e.id >= firstBot) bots++;
      else if (e.player !== undefined) places.set(e.player, e);
    }
    if (me) places.set(client.player, me);
    this.people.update(zone.chat.people.map((p) => p.player), zone.players, bots, client.player, places);
    for (const [player, said] of this.bubbles) if (said.until < now) this.bubbles.delete(player);
    say(part('fallen-in'), String(this.body.backIn(now)));
  }
}

/** The zone that the address asks for, or the usual one, or any. */
async function someZone(client: Client): Promise<string> {
  const asked = new URLSearchParams(location.search).get('zone');
  if (asked !== null) return asked;
  const zones = await client.listZones();
  if (zones.length === 0) throw new Error('There is no zone to walk in: an operator has to make one.');
  return zones.some((z) => z.name === firstZone) ? firstZone : zones[0]!.name;
}
