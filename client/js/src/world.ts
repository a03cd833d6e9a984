import type { Channel, Host } from './channel.js';
import type { RequestOptions } from './connection.js';
import { HoldfastError } from './errors.js';
import { Group } from './group.js';
import { type Json, message, text } from './json.js';
import { readChatLine, readPresence } from './messages.js';
import { readWorldMessage } from './worldmessage.js';
import { type EnterOptions, Zone } from './zone.js';

/** World is the zones and groups that a client is in, and whom each message is for. */
export class World {
  readonly zones = new Map<string, Zone>();
  readonly groups = new Map<string, Group>();
  /** Which zone a stream of the gateway's is of. */
  private readonly streams = new Map<number, Zone>();

  constructor(private readonly host: Host) {}

  async enter(name: string, o: EnterOptions): Promise<Zone> {
    let zone = this.zones.get(name);
    const isNew = zone === undefined;
    // Frames may arrive before the answer: the zone must be known by then.
    zone ??= new Zone(name, this.host, (z) => this.forget(z));
    this.zones.set(name, zone);
    try {
      await zone.enter(o);
    } catch (error) {
      if (isNew) this.forget(zone);
      throw error;
    }
    return zone;
  }

  private forget(zone: Zone): void {
    if (this.zones.get(zone.name) === zone) this.zones.delete(zone.name);
    for (const [stream, z] of this.streams) if (z === zone) this.streams.delete(stream);
  }

  async join(name: string, o?: RequestOptions): Promise<Group> {
    const group = this.groups.get(name) ?? new Group(name, this.host, (g) => this.groups.delete(g.name));
    await group.join(o);
    this.groups.set(name, group);
    return group;
  }

  /** The connection dropped: streams are a connection's own. */
  freeze(): void {
    this.streams.clear();
    for (const zone of this.zones.values()) zone.freeze();
  }

  /** Another connection is there: enters and joins again. */
  resume(): void {
    for (const zone of this.zones.values()) void zone.resume();
    for (const group of this.groups.values()) {
      group.join({ timeoutMs: Infinity }).catch((error: unknown) => this.host.trouble(error));
    }
  }

  /** A binary message. */
  receive(bytes: Uint8Array): void {
    const { key, delta, gone } = readWorldMessage(bytes);
    const now = performance.now();
    if (key !== undefined) {
      const zone = this.zones.get(key.zone);
      if (zone === undefined) return; // left, and this was under way
      this.streams.set(key.stream, zone);
      zone.receive(key.stream, key.cell, key.frame, bytes.length, now);
    }
    if (delta !== undefined) this.streams.get(delta.stream)?.receive(delta.stream, -1, delta.frame, bytes.length, now);
    if (gone !== undefined) this.end(gone);
  }

  private end(streams: number[]): void {
    for (const stream of streams) {
      this.streams.get(stream)?.hide(stream);
      this.streams.delete(stream);
    }
  }

  /** A pushed frame; false when it is about something else. */
  push(frame: Json): boolean {
    if (frame.chat !== undefined) {
      const line = readChatLine(message(frame, 'chat'));
      this.channel(line.channel)?.hear(line);
    } else if (frame.presence !== undefined) {
      const presence = readPresence(message(frame, 'presence'));
      this.channel(presence.channel)?.meet(presence);
    } else if (frame.zoneOwner !== undefined) {
      const owner = message(frame, 'zoneOwner');
      this.zones.get(text(owner, 'zone'))?.moved(text(owner, 'node'));
    } else if (frame.leftZone !== undefined) {
      this.zones.get(text(message(frame, 'leftZone'), 'zone'))?.end(new HoldfastError('the player is not in the zone any more'));
    } else if (frame.worldGone !== undefined) {
      const { streams = [] } = message(frame, 'worldGone') as { streams?: number[] };
      this.end(streams);
    } else return false;
    return true;
  }

  private channel(name: string): Channel | undefined {
    const [kind, of = ''] = name.split('/');
    if (kind === 'zone') return this.zones.get(of)?.chat;
    return kind === 'group' ? this.groups.get(of)?.chat : undefined;
  }
}
