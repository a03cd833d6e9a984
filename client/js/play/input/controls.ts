import { Joystick } from './joystick.js';

/** What the controls ask for. */
export interface Wishes {
  /** A direction, at most 1 long; y grows to the north. Null hands control back. */
  steer(direction: { x: number; y: number } | null): void;
  /** The player clicked on the ground, or on somebody; in CSS pixels. */
  point(x: number, y: number): void;
  strike(): void;
  talk(): void;
}

const directions: Record<string, readonly [number, number]> = {
  KeyW: [0, 1], ArrowUp: [0, 1],
  KeyS: [0, -1], ArrowDown: [0, -1],
  KeyA: [-1, 0], ArrowLeft: [-1, 0],
  KeyD: [1, 0], ArrowRight: [1, 0],
};

/** Keys, mouse and thumbs, made into wishes. */
export class Controls {
  private readonly held = new Set<string>();
  private moving = false;

  constructor(stage: HTMLElement, pad: HTMLElement, strike: HTMLElement, private readonly wishes: Wishes) {
    window.addEventListener('keydown', (e) => this.key(e));
    window.addEventListener('keyup', (e) => {
      if (this.held.delete(e.code)) this.steer();
    });
    // Keys that go up while the page is not looking are never heard of.
    window.addEventListener('blur', () => this.release());
    document.addEventListener('visibilitychange', () => this.release());

    stage.addEventListener('pointerdown', (e) => {
      if (e.button !== 0) return;
      const focused = document.activeElement;
      if (focused instanceof HTMLElement) focused.blur();
      wishes.point(e.clientX, e.clientY);
    });
    stage.addEventListener('contextmenu', (e) => e.preventDefault());
    strike.addEventListener('pointerdown', (e) => {
      e.preventDefault();
      strike.classList.add('down');
      wishes.strike();
    });
    for (const end of ['pointerup', 'pointerleave', 'pointercancel']) {
      strike.addEventListener(end, () => strike.classList.remove('down'));
    }
    strike.addEventListener('click', (e) => {
      if (e.detail === 0) wishes.strike(); // by the keyboard, or a screen reader
    });
    new Joystick(pad, (at) => wishes.steer(at), (x, y) => wishes.point(x, y));
  }

  private key(e: KeyboardEvent): void {
    if (e.target instanceof HTMLInputElement || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.code in directions) {
      e.preventDefault();
      if (!e.repeat) {
        this.held.add(e.code);
        this.steer();
      }
    } else if (e.code === 'Space' && !(e.target instanceof HTMLButtonElement)) {
      e.preventDefault();
      if (!e.repeat) this.wishes.strike();
    } else if (e.code === 'Enter' && !(e.target instanceof HTMLButtonElement)) {
      e.preventDefault();
      this.wishes.talk();
    }
  }

  private release(): void {
    if (this.held.size === 0) return;
    this.held.clear();
    this.steer();
  }

  private steer(): void {
    let x = 0, y = 0;
    for (const code of this.held) {
      x += directions[code]![0];
      y += directions[code]![1];
    }
    const length = Math.hypot(x, y);
    if (length === 0) {
      if (this.moving) this.wishes.steer(null);
      this.moving = false;
      return;
    }
    this.moving = true;
    this.wishes.steer({ x: x / length, y: y / length });
  }
}
