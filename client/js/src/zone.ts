import { Cell, type Frame } from './cell.js';
import { Channel, type Host } from './channel.js';
import type { RequestOptions } from './connection.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { RefusedError } from './errors.js';
import { flag, type Json, message, number } from './json.js';
import { type FieldInfo, readEntered, type ZoneInfo } from './messages.js';
import { Scene } from './scene.js';
import { Meter, snapshotBytes, type ZoneStats } from './stats.js';
import { Steering } from './steering.js';
import type { Entity } from './track.js';

/** A place, in units from the zone's south-west corner. */
export interface Point {
  x: number;
  y: number;
}

/** How a zone is entered. */
export interface EnterOptions extends RequestOptions {
  /** Only look: no entity, no presence. */
  spectate?: boolean;
  /** Where a spectator looks; the zone's middle by default. */
  at?: Point;
}

export interface ZoneEvents {
  /** A frame has arrived. It is shown a little later; see entities. */
  frame: Frame;
  /** Another node runs the zone now. */
  owner: string;
  /** It was entered again after the connection dropped; entity may have changed. */
  entered: Zone;
  /** It is over; undefined when this client has left it. Else it was closed, or left elsewhere, or is full. */
  left: Error | undefined;
  /** What steer or walk asked for was refused. */
  refused: RefusedError;
}

/** Frames that come before the zone's fields are known wait; more than so many are not worth it. */
const keptEarly = 256;

/** Zone is a piece of the world that this client is in. */
export class Zone {
  /** Who is here and what is said. A spectator hears what is said from now on, and says nothing. */
  readonly chat: Channel;
  info!: ZoneInfo;
  /** What the entities' fields are. */
  fields!: FieldInfo[];
  /** The player's own, 0 for a spectator. */
  entity = 0;
  /** The node that runs the zone. */
  owner = '';
  /** How many players are in it. */
  get players(): number {
    return this.chat.total;
  }

  private scene: Scene | undefined;
  private readonly cells = new Map<number, Cell>();
  private early: { stream: number; cell: number; frame: Uint8Array; bytes: number; at: number }[] = [];
  private readonly meter = new Meter();
  private readonly emitter = new Emitter<ZoneEvents>();
  private readonly steering: Steering;
  private options: EnterOptions = {};
  private resuming = false;
  private over = false;

  /** @internal */
  constructor(
    readonly name: string,
    private readonly host: Host,
    private readonly gone: (zone: Zone) => void,
  ) {
    this.chat = new Channel(`zone/${name}`, host);
    this.steering = new Steering(
      name,
      host,
      () => this.meter.clamped++,
      (error) => this.emitter.emit('refused', error),
    );
  }

  on<K extends keyof ZoneEvents>(name: K, listener: (value: ZoneEvents[K]) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  /**
   * Where everything is to be shown now: interpolated, a little behind the newest
   * frame. now is by performance.now(), as requestAnimationFrame has it. The
   * entities are valid until the next call.
   */
  entities(now = performance.now()): Entity[] {
    const shown = this.scene?.entities(now) ?? [];
    for (const e of shown) {
      e.player = this.chat.playerOf(e.id);
      e.self = e.id === this.entity;
    }
    return shown;
  }

  /** How far behind the newest frame the world is shown. */
  get bufferMs(): number {
    return this.scene?.playout.bufferMs ?? 0;
  }

  set bufferMs(ms: number) {
    if (this.scene !== undefined) this.scene.playout.bufferMs = ms;
  }

  get stats(): ZoneStats {
    return this.meter.read(performance.now());
  }

  /**
   * Moves on at a velocity, in units per second, until told otherwise. It may be
   * called as often as one likes: the newest wish is sent.
   */
  steer(vx: number, vy: number): void {
    finite(vx, vy);
    this.steering.want({ steer: { vx, vy } });
  }

  /** Goes to a place. It may be called as often as one likes. */
  walk(x: number, y: number): void {
    finite(x, y);
    this.steering.want({ walk: { to: { x, y } } });
  }

  /** Strikes another entity that is near; resolves to where the player's own is. */
  async strike(entity: number): Promise<Point> {
    const body = { zone: this.name, strike: { entity } };
    const intended = await this.host.request('intent', body, { timeoutMs: 2_000, resend: false, retry: false });
    if (flag(intended, 'clamped')) this.meter.clamped++;
    const at = message(intended, 'at');
    return { x: number(at, 'x'), y: number(at, 'y') };
  }

  /** Has a spectator look elsewhere. */
  async look(x: number, y: number): Promise<void> {
    finite(x, y);
    await this.enter({ ...this.options, at: { x, y } });
  }

  /** Leaves the zone, on all of the player's connections; a spectator only stops looking. */
  async leave(o?: RequestOptions): Promise<void> {
    await this.host.request('leaveZone', { zone: this.name }, o);
    this.end(undefined);
  }

  /** @internal */
  async enter(o: EnterOptions): Promise<void> {
    const body: Json = { zone: this.name };
    if (o.spectate) body.spectate = true;
    if (o.at !== undefined) body.at = { x: o.at.x, y: o.at.y };
    const entered = readEntered(await this.host.request('enterZone', body, { timeoutMs: o.timeoutMs, signal: o.signal }));
    this.options = { spectate: o.spectate, at: o.at };
    // What an entity is may have changed while the connection was down.
    if (JSON.stringify(entered.fields) !== JSON.stringify(this.fields)) this.scene = new Scene(entered.zone, entered.fields);
    this.info = entered.zone;
    this.fields = entered.fields;
    this.entity = entered.entity;
    this.scene?.thaw(performance.now());
    if (this.owner === '') this.owner = entered.owner;
    else this.moved(entered.owner);
    const { early } = this;
    this.early = [];
    for (const e of early) this.receive(e.stream, e.cell, e.frame, e.bytes, e.at);
    await this.chat.refresh(this.entity !== 0);
  }

  /**
   * Enters again on a new connection.
   * @internal
   */
  async resume(): Promise<void> {
    // What has not been answered yet is sent again by itself.
    if (this.scene === undefined || this.resuming) return;
    this.resuming = true;
    try {
      await this.enter({ ...this.options, timeoutMs: Infinity });
      this.steering.repeat();
      this.emitter.emit('entered', this);
    } catch (error) {
      if (error instanceof RefusedError) this.end(error);
      else this.host.trouble(error);
    } finally {
      this.resuming = false;
    }
  }

  /**
   * The connection dropped, and with it the streams.
   * @internal
   */
  freeze(): void {
    this.cells.clear();
    this.early = [];
    this.scene?.freeze();
  }

  /** @internal */
  end(why: Error | undefined): void {
    if (this.over) return;
    this.over = true;
    this.steering.end();
    this.gone(this);
    this.emitter.emit('left', why);
  }

  /** @internal */
  moved(owner: string): void {
    if (owner === this.owner) return;
    this.owner = owner;
    // Where the player wants to go may not have moved along, nor the news of who came.
    this.steering.repeat();
    void this.chat.refresh(this.entity !== 0);
    this.emitter.emit('owner', owner);
  }

  /**
   * Takes a frame in; cell is -1 unless it begins a stream.
   * @internal
   */
  receive(stream: number, cell: number, frame: Uint8Array, bytes: number, at: number): void {
    if (this.scene === undefined) {
      if (this.early.length < keptEarly) this.early.push({ stream, cell, frame, bytes, at });
      return;
    }
    const follower = cell < 0 ? this.cells.get(stream) : this.begin(stream, cell);
    if (follower === undefined) return;
    const outcome = follower.take(frame);
    if (outcome === 'taken') this.show(follower, bytes, at);
    else if (outcome === 'stale') this.meter.stale++;
    else this.lose(follower, at);
  }

  private begin(stream: number, number: number): Cell {
    let cell = this.cells.get(stream);
    if (cell === undefined || cell.number !== number) {
      cell = new Cell(stream, number, this.fields);
      this.cells.set(stream, cell);
    }
    return cell;
  }

  private show(cell: Cell, bytes: number, at: number): void {
    const { table } = cell;
    cell.lost = false;
    if (cell.key) this.meter.keyframes++;
    this.meter.count(at, bytes, cell.key ? 0 : snapshotBytes(table.ids, table.values, table.length, this.fields.length));
    this.meter.latency(this.host.serverNow() - cell.moment);
    this.scene!.take(cell, at);
    this.emitter.emit('frame', cell.frame);
  }

  private lose(cell: Cell, at: number): void {
    if (!cell.lost) this.meter.gaps++;
    cell.lost = true;
    if (cell.asks(at)) this.host.post('resync', { stream: cell.stream });
  }

  /**
   * A stream has ended: its cell is out of sight.
   * @internal
   */
  hide(stream: number): void {
    const cell = this.cells.get(stream);
    if (cell === undefined) return;
    this.cells.delete(stream);
    this.scene?.leave(cell);
  }
}

/** What cannot be a number on the wire is refused here already. */
function finite(...values: number[]): void {
  for (const v of values) if (!Number.isFinite(v)) throw new RangeError(`${v} is no number that a world knows`);
}
