import { Channel, type Host } from './channel.js';
import type { RequestOptions } from './connection.js';

/** Group is a group that the player is a member of. */
export class Group {
  /** Who is a member and what is said. */
  readonly chat: Channel;

  /** @internal */
  constructor(
    readonly name: string,
    private readonly host: Host,
    private readonly gone: (group: Group) => void,
  ) {
    this.chat = new Channel(`group/${name}`, host);
  }

  /** Ends the membership. */
  async leave(o?: RequestOptions): Promise<void> {
    await this.host.request('leaveGroup', { group: this.name }, o);
    this.gone(this);
  }

  /** @internal */
  async join(o?: RequestOptions): Promise<void> {
    await this.host.request('joinGroup', { group: this.name }, o);
    await this.chat.refresh();
  }
}
