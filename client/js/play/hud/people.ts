import { coatOf } from '../colour.js';
import type { Camera } from '../stage/camera.js';
import type { Figure } from '../stage/figure.js';
import { part, say } from './page.js';

// Names that fit; the rest is a number.
const shown = 8;

/** Where somebody is, in units. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Who is here: a list for reading, a map for looking. */
export class PeoplePanel {
  private readonly list = part<HTMLUListElement>('people');
  private readonly map = part<HTMLCanvasElement>('map');
  /** Pixels a unit, and where the zone's south-west corner is on the map. */
  private fit = { k: 1, left: 0, bottom: 0 };

  /** go is called with the place that somebody points at on the map, in units. */
  constructor(go: (place: Place) => void) {
    this.map.addEventListener('pointerdown', (e) => {
      const { k, left, bottom } = this.fit;
      go({ x: (e.offsetX - left) / k, y: (bottom - e.offsetY) / k });
    });
  }

  zone(name: string): void {
    say(part('zone-name'), name);
  }

  /** Lists the players, with how far each is from this one; places has those in sight. */
  update(players: readonly string[], total: number, bots: number, me: string, places: ReadonlyMap<string, Place>): void {
    const counted = total === 1 ? '1 player' : `${total} players`;
    say(part('zone-count'), bots > 0 ? `${counted}, ${bots} bots` : counted);
    const names = [me, ...players.filter((p) => p !== me)].slice(0, shown);
    while (this.list.children.length > names.length) this.list.lastElementChild!.remove();
    names.forEach((name, i) => {
      let li = this.list.children[i] as HTMLLIElement | undefined;
      if (!li) {
        li = document.createElement('li');
        li.append(document.createElement('i'), document.createElement('span'), document.createElement('small'));
        this.list.append(li);
      }
      if (li.dataset['player'] !== name) {
        li.dataset['player'] = name;
        li.style.setProperty('--hue', coatOf(name).body);
        li.classList.toggle('me', name === me);
        say(li.children[1] as HTMLElement, name);
      }
      const there = places.get(name), here = places.get(me);
      li.title = there ? `at ${there.x.toFixed(1)}, ${there.y.toFixed(1)}` : '';
      const far = there && here ? `${Math.round(Math.hypot(there.x - here.x, there.y - here.y))} m` : '';
      say(li.children[2] as HTMLElement, name === me ? 'you' : far);
    });
  }

  /** Draws everybody in sight into the small map. */
  draw(zone: { width: number; height: number }, camera: Camera, figures: ReadonlyMap<number, Figure>, me: number): void {
    const w = this.map.clientWidth, h = this.map.clientHeight;
    if (w === 0) return; // not shown on small screens
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    if (this.map.width !== Math.round(w * ratio)) {
      this.map.width = Math.round(w * ratio);
      this.map.height = Math.round(h * ratio);
    }
    const g = this.map.getContext('2d')!;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, h);
    const k = Math.min((w - 8) / zone.width, (h - 8) / zone.height);
    const left = (w - zone.width * k) / 2, bottom = h - (h - zone.height * k) / 2;
    this.fit = { k, left, bottom };
    g.fillStyle = 'rgba(255,255,255,0.045)';
    g.strokeStyle = 'rgba(255,205,130,0.25)';
    g.lineWidth = 1;
    g.beginPath();
    g.roundRect(left, bottom - zone.height * k, zone.width * k, zone.height * k, 4);
    g.fill();
    g.stroke();
    g.save();
    g.clip();
    g.fillStyle = 'rgba(255,255,255,0.05)';
    g.strokeStyle = 'rgba(255,255,255,0.20)';
    const vw = camera.width / camera.scale, vh = camera.height / camera.scale;
    g.beginPath();
    g.rect(left + (camera.x - vw / 2) * k, bottom - (camera.y + vh / 2) * k, vw * k, vh * k);
    g.fill();
    g.stroke();
    g.restore();
    for (const [id, f] of figures) {
      const r = id === me ? 3.6 : f.bot ? 1.5 : 2.8;
      g.globalAlpha = f.there * (f.down > 0.5 ? 0.4 : 1);
      g.fillStyle = f.bot ? '#8b97b8' : f.coat.body;
      g.beginPath();
      g.arc(left + f.x * k, bottom - f.y * k, r, 0, 2 * Math.PI);
      g.fill();
      if (id === me) {
        g.strokeStyle = '#fff';
        g.lineWidth = 1.4;
        g.stroke();
      }
    }
    g.globalAlpha = 1;
  }
}
