import type { RequestKind, RequestOptions } from './connection.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { RefusedError } from './errors.js';
import { type Json, messages, number } from './json.js';
import { type ChatLine, type Person, type Presence, readChatLine, readPeople } from './messages.js';

/** What channels, zones and groups need of their client. */
export interface Host {
  request(kind: RequestKind, body: Json, o?: RequestOptions & { resend?: boolean; retry?: boolean }): Promise<Json>;
  post(kind: RequestKind | 'resync', body: Json): void;
  /** The server's time in milliseconds since 1970. */
  serverNow(): number;
  /** What went wrong in the background. */
  trouble(error: unknown): void;
}

/** So many lines are kept, as the server does. */
const keptLines = 100;

/** So many people a server names at most. */
const shownPeople = 200;

export interface ChannelEvents {
  /** Somebody has said something. */
  line: ChatLine;
  /** Somebody has come or gone. */
  presence: Presence;
}

/** Channel is what is said in a zone or a group, and who is there. */
export class Channel {
  /** The latest lines, oldest first. */
  readonly lines: ChatLine[] = [];
  /** How many are there; people may be fewer. */
  total = 0;

  private readonly known = new Map<string, Person>();
  private readonly byEntity = new Map<number, string>();
  private readonly emitter = new Emitter<ChannelEvents>();
  private lastRequest = 0;
  /** Settled when the last line is; it never fails. */
  private saying: Promise<unknown> = Promise.resolve();
  /** What came while a refresh is under way, to be applied on top of it. */
  private meanwhile: Presence[] | undefined;
  private again = false;

  /** @internal */
  constructor(
    /** "zone/plaza" or "group/owls". */
    readonly name: string,
    private readonly host: Host,
  ) {}

  /** Who is there, by player; not all of them if there are many. */
  get people(): Person[] {
    return [...this.known.values()].sort((a, b) => (a.player < b.player ? -1 : 1));
  }

  /** Whose entity it is; undefined for a bot or somebody not heard of yet. */
  playerOf(entity: number): string | undefined {
    return this.byEntity.get(entity);
  }

  on<K extends keyof ChannelEvents>(name: K, listener: (value: ChannelEvents[K]) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  /**
   * Says something, once however often it must be sent, and returns the line's id.
   * Lines are said one after the other, in the order of the calls.
   */
  say(text: string, o?: RequestOptions): Promise<number> {
    const said = this.saying.then(() => this.sayNext(text, o));
    this.saying = said.catch(() => {});
    return said;
  }

  private async sayNext(text: string, o?: RequestOptions): Promise<number> {
    try {
      return await this.sayAs(this.nextRequest(), text, o);
    } catch (error) {
      // Another device of this player has said something with a later number.
      if (!(error instanceof RefusedError) || error.code !== 'EXPIRED_REQUEST') throw error;
      return await this.sayAs(this.nextRequest(), text, o);
    }
  }

  private async sayAs(request: number, text: string, o?: RequestOptions): Promise<number> {
    return number(await this.host.request('say', { channel: this.name, request: String(request), text }, o), 'id');
  }

  /**
   * Numbers are the server's time in milliseconds, as near as this client knows it:
   * they increase over all of a player's devices and sessions.
   */
  private nextRequest(): number {
    this.lastRequest = Math.max(this.lastRequest + 1, Math.floor(this.host.serverNow()));
    return this.lastRequest;
  }

  /**
   * Reads who is there and, by those who are there themselves, what was said. It
   * never fails: what goes wrong is told in the background.
   * @internal
   */
  async refresh(lines = true): Promise<void> {
    if (this.meanwhile !== undefined) {
      this.again = true;
      return;
    }
    do {
      this.meanwhile = [];
      this.again = false;
      try {
        await Promise.all([this.readPeople(), lines ? this.readLines(this.lastLine()) : undefined]);
      } catch (error) {
        this.host.trouble(error);
      } finally {
        this.meanwhile = undefined;
      }
    } while (this.again);
  }

  private async readPeople(): Promise<void> {
    const present = await this.host.request('who', { channel: this.name });
    this.replacePeople(readPeople(present, 'people'), number(present, 'total'));
  }

  private async readLines(after: number): Promise<void> {
    const history = await this.host.request('readChat', { channel: this.name, after: String(after) });
    for (const line of messages(history, 'lines')) this.hear(readChatLine(line));
  }

  private replacePeople(people: Person[], total: number): void {
    const before = new Map(this.known);
    this.known.clear();
    this.byEntity.clear();
    for (const p of people) this.add(p);
    this.total = total;
    for (const p of this.meanwhile ?? []) this.apply(p);
    const joined = this.people.filter((p) => before.get(p.player)?.entity !== p.entity);
    const left = [...before.values()].filter((p) => !this.known.has(p.player));
    if (joined.length + left.length === 0) return;
    this.emitter.emit('presence', { channel: this.name, joined, left, total: this.total });
  }

  private add(p: Person): void {
    this.drop(p.player);
    this.known.set(p.player, p);
    if (p.entity !== 0) this.byEntity.set(p.entity, p.player);
  }

  private drop(player: string): void {
    const p = this.known.get(player);
    if (p === undefined) return;
    this.known.delete(player);
    if (this.byEntity.get(p.entity) === player) this.byEntity.delete(p.entity);
  }

  private apply(p: Presence): void {
    for (const person of p.left) this.drop(person.player);
    for (const person of p.joined) this.add(person);
    this.total = p.total;
  }

  /** @internal */
  meet(p: Presence): void {
    this.meanwhile?.push(p);
    this.apply(p);
    this.emitter.emit('presence', p);
    // Something was not told: an owner that is gone took it along.
    if (this.total <= shownPeople && this.known.size !== this.total) void this.refresh(false);
  }

  /**
   * Takes a line in: lines may come twice and, after a reconnect, late.
   * @internal
   */
  hear(line: ChatLine): void {
    const last = this.lastLine();
    let at = this.lines.length;
    while (at > 0 && this.lines[at - 1]!.id > line.id) at--;
    if (at > 0 && this.lines[at - 1]!.id === line.id) return;
    this.lines.splice(at, 0, line);
    if (this.lines.length > keptLines) this.lines.shift();
    this.emitter.emit('line', line);
    const missing = last > 0 && line.id > last + 1 && this.meanwhile === undefined;
    if (missing) this.readLines(last).catch((error: unknown) => this.host.trouble(error));
  }

  private lastLine(): number {
    return this.lines.at(-1)?.id ?? 0;
  }
}
