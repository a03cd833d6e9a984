const reach = 46; // pixels from the middle to full speed
const dead = 0.16; // of the reach, in which a thumb rests
const tapMs = 220;
const tapPixels = 8;

/** A stick under the thumb: its middle is wherever the thumb comes down. */
export class Joystick {
  private readonly ring: HTMLElement;
  private readonly knob: HTMLElement;
  private pointer = -1;
  private x = 0;
  private y = 0;
  private since = 0;
  private far = 0;

  constructor(
    private readonly pad: HTMLElement,
    private readonly steer: (at: { x: number; y: number } | null) => void,
    /** The thumb only touched a place, in CSS pixels. */
    private readonly tap: (x: number, y: number) => void,
  ) {
    this.ring = pad.querySelector('.ring')!;
    this.knob = pad.querySelector('.knob')!;
    new ResizeObserver(() => this.rest()).observe(pad);
    pad.addEventListener('pointerdown', (e) => this.down(e));
    pad.addEventListener('pointermove', (e) => this.move(e));
    for (const end of ['pointerup', 'pointercancel']) pad.addEventListener(end, (e) => this.up(e as PointerEvent));
    pad.addEventListener('contextmenu', (e) => e.preventDefault());
  }

  private place(what: HTMLElement, x: number, y: number): void {
    const box = this.pad.getBoundingClientRect();
    what.style.transform = `translate(${x - box.left}px, ${y - box.top}px)`;
  }

  /** Where the stick waits, so that it can be seen. */
  private rest(): void {
    if (this.pointer !== -1) return;
    const box = this.pad.getBoundingClientRect();
    const x = box.left + Math.min(96, box.width / 2), y = box.bottom - 104;
    this.place(this.ring, x, y);
    this.place(this.knob, x, y);
  }

  private down(e: PointerEvent): void {
    if (this.pointer !== -1) return;
    e.preventDefault();
    const focused = document.activeElement;
    if (focused instanceof HTMLElement) focused.blur();
    this.pointer = e.pointerId;
    this.pad.setPointerCapture(e.pointerId);
    this.x = e.clientX;
    this.y = e.clientY;
    this.since = e.timeStamp;
    this.far = 0;
    this.pad.classList.add('held');
    this.place(this.ring, this.x, this.y);
    this.place(this.knob, this.x, this.y);
  }

  private move(e: PointerEvent): void {
    if (e.pointerId !== this.pointer) return;
    let dx = e.clientX - this.x, dy = e.clientY - this.y;
    const length = Math.hypot(dx, dy);
    this.far = Math.max(this.far, length);
    if (length > reach) {
      dx *= reach / length;
      dy *= reach / length;
    }
    this.place(this.knob, this.x + dx, this.y + dy);
    const part = Math.min(1, length / reach);
    if (part < dead) {
      if (this.far > tapPixels) this.steer({ x: 0, y: 0 });
      return;
    }
    this.steer({ x: dx / reach, y: -dy / reach });
  }

  private up(e: PointerEvent): void {
    if (e.pointerId !== this.pointer) return;
    this.pointer = -1;
    this.pad.classList.remove('held');
    this.rest();
    if (this.far <= tapPixels && e.timeStamp - this.since < tapMs) this.tap(e.clientX, e.clientY);
    else this.steer(null);
  }
}
