/** Where the zone is on the screen. The world's y grows to the north, the screen's down. */
export class Camera {
  /** What the screen's middle shows, in units. */
  x = 0;
  y = 0;
  /** Pixels a unit. */
  scale = 28;
  /** Of the screen, in CSS pixels. */
  width = 1;
  height = 1;

  /** How the screen is shaken, in pixels; it calms down by itself. */
  shake = 0;
  private placed = false;
  private jx = 0;
  private jy = 0;

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    // About 39 units across a desktop, 16 across a phone.
    this.scale = Math.max(24, Math.min(42, Math.sqrt(width * height) / 31));
  }

  /**
   * Follows a place without ever jumping. margin is how far the screen's edges
   * may show what is outside of the zone.
   */
  follow(x: number, y: number, zone: { width: number; height: number }, seconds: number): void {
    const margin = 5;
    const fit = (at: number, size: number, half: number) =>
      size + 2 * margin <= 2 * half ? size / 2 : Math.min(Math.max(at, half - margin), size - half + margin);
    const tx = fit(x, zone.width, this.width / 2 / this.scale);
    const ty = fit(y, zone.height, this.height / 2 / this.scale);
    if (!this.placed || Math.hypot(tx - this.x, ty - this.y) > 30) {
      this.x = tx;
      this.y = ty;
      this.placed = true;
    }
    const part = 1 - Math.exp(-seconds * 6);
    this.x += (tx - this.x) * part;
    this.y += (ty - this.y) * part;

    this.shake *= Math.exp(-seconds * 9);
    this.jx = (Math.random() - 0.5) * this.shake;
    this.jy = (Math.random() - 0.5) * this.shake;
  }

  sx(x: number): number {
    return (x - this.x) * this.scale + this.width / 2 + this.jx;
  }

  sy(y: number): number {
    return (this.y - y) * this.scale + this.height / 2 + this.jy;
  }

  /** What is at a place of the screen, in units. */
  at(sx: number, sy: number): { x: number; y: number } {
    return { x: (sx - this.width / 2) / this.scale + this.x, y: this.y - (sy - this.height / 2) / this.scale };
  }
}
