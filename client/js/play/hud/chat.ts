import { coatOf } from '../colour.js';
import { reason } from '../reason.js';
import { part, say } from './page.js';

// Lines that the page keeps; the server keeps as many.
const kept = 100;

export interface Line {
  id: number;
  player: string;
  text: string;
}

/** The panel in which people talk. */
export class ChatPanel {
  private readonly panel = part('chat');
  private readonly list = part<HTMLOListElement>('lines');
  private readonly words = part<HTMLInputElement>('words');
  private readonly talk = part('talk');
  private readonly unread = part('unread');
  private readonly seen = new Set<number>();
  private missed = 0;

  constructor(send: (text: string) => Promise<unknown>) {
    part('say').addEventListener('submit', (e) => {
      e.preventDefault();
      const text = this.words.value.trim();
      if (text === '') {
        this.close();
        return;
      }
      this.words.value = '';
      // With a keyboard, the next key is to walk again.
      if (!this.panel.classList.contains('open')) this.words.blur();
      send(text).catch((err: unknown) => {
        this.note(`Not sent: ${reason(err)}`);
        if (this.words.value === '') this.words.value = text;
      });
    });
    this.words.addEventListener('keydown', (e) => {
      if (e.key === 'Escape') this.close();
    });
    document.addEventListener('pointerdown', (e) => {
      if (e.target instanceof Node && !this.panel.contains(e.target) && !this.talk.contains(e.target)) this.close();
    });
    this.talk.addEventListener('click', () => (this.panel.classList.contains('open') ? this.close() : this.open()));
  }

  /** Makes the keyboard write here. */
  focus(): void {
    this.words.focus();
  }

  private open(): void {
    this.panel.classList.add('open');
    this.missed = 0;
    this.count();
    this.words.focus();
    this.list.scrollTop = this.list.scrollHeight;
  }

  private close(): void {
    this.panel.classList.remove('open');
    this.words.blur();
  }

  /** Adds a line, once however often it arrives. True when it is new. */
  add(line: Line, fresh = true): boolean {
    if (this.seen.has(line.id)) return false;
    this.seen.add(line.id);
    const li = document.createElement('li');
    li.dataset['id'] = String(line.id);
    const who = document.createElement('b');
    who.textContent = line.player;
    who.style.setProperty('--hue', coatOf(line.player).light);
    li.append(who, line.text);
    this.put(li, line.id);
    // On a small screen the panel is closed most of the time.
    if (fresh && getComputedStyle(this.panel).visibility === 'hidden') {
      this.missed++;
      this.count();
    }
    return true;
  }

  note(text: string): void {
    const li = document.createElement('li');
    li.className = 'note';
    li.textContent = text;
    this.put(li, Number.MAX_SAFE_INTEGER);
  }

  /** Puts a line where its number belongs: history may arrive after what is said now. */
  private put(li: HTMLLIElement, id: number): void {
    const low = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    let after: Element | null = this.list.lastElementChild;
    while (after instanceof HTMLElement && after.dataset['id'] && Number(after.dataset['id']) > id) after = after.previousElementSibling;
    if (after) after.after(li);
    else this.list.prepend(li);
    while (this.list.children.length > kept) {
      const first = this.list.firstElementChild as HTMLElement;
      this.seen.delete(Number(first.dataset['id']));
      first.remove();
    }
    if (low) this.list.scrollTop = this.list.scrollHeight;
  }

  private count(): void {
    this.unread.hidden = this.missed === 0;
    say(this.unread, this.missed > 9 ? '9+' : String(this.missed));
  }
}
