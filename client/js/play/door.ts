import { coatOf } from './colour.js';
import { part, say } from './hud/page.js';
import { nameError } from './name.js';
import { reason } from './reason.js';
import { drawPawn } from './stage/pawn.js';

const names = ['Ada', 'Bo', 'Cleo', 'Dara', 'Edda', 'Finn', 'Gus', 'Hana', 'Ivo', 'Juno', 'Kit', 'Lux', 'Mio', 'Nia', 'Odo', 'Pia', 'Quin', 'Remy', 'Suki', 'Tess', 'Ugo', 'Vera', 'Wim', 'Xan', 'Yara', 'Zed'];
const remembered = 'holdfast.name';

/** The first screen. enter is called with a valid name; its error is shown. */
export function openDoor(enter: (name: string) => Promise<void>): void {
  const form = part<HTMLFormElement>('enter');
  const field = part<HTMLInputElement>('name');
  const hint = part('name-hint');
  const go = part<HTMLButtonElement>('go');

  const given = new URLSearchParams(location.search).get('name');
  field.value = given ?? sessionStorage.getItem(remembered) ?? someName();

  const portrait = new Portrait(part<HTMLCanvasElement>('portrait'), () => field.value.trim());
  field.addEventListener('input', () => {
    portrait.greet();
    const name = field.value.trim();
    say(hint, name === '' ? '' : nameError(name));
  });
  part('dice').addEventListener('click', () => {
    field.value = someName();
    say(hint, '');
    portrait.greet();
  });
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    const name = field.value.trim(), wrong = nameError(name);
    say(hint, wrong);
    if (wrong) {
      field.focus();
      return;
    }
    go.disabled = true;
    say(go, 'Walking in');
    enter(name).then(
      () => {
        sessionStorage.setItem(remembered, name);
        portrait.close();
      },
      (err: unknown) => {
        go.disabled = false;
        say(go, 'Walk in');
        say(hint, reason(err));
      },
    );
  });
  if (matchMedia('(hover: hover)').matches) field.select();
}

function someName(): string {
  return `${names[Math.floor(Math.random() * names.length)]!}${10 + Math.floor(Math.random() * 90)}`;
}

/** What somebody with the name in the field would look like. */
class Portrait {
  private hop = 1;
  private last = performance.now();
  private frame = 0;
  private readonly g: CanvasRenderingContext2D;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly name: () => string) {
    this.g = canvas.getContext('2d')!;
    this.frame = requestAnimationFrame((now) => this.draw(now));
  }

  greet(): void {
    this.hop = 1;
  }

  close(): void {
    cancelAnimationFrame(this.frame);
  }

  private draw(now: number): void {
    this.frame = requestAnimationFrame((t) => this.draw(t));
    const seconds = Math.min(0.1, (now - this.last) / 1000);
    this.last = now;
    this.hop = Math.max(0, this.hop - seconds * 1.8);
    const { g } = this, size = this.canvas.width;
    g.clearRect(0, 0, size, size);
    const light = g.createRadialGradient(size / 2, size * 0.62, 0, size / 2, size * 0.62, size * 0.5);
    light.addColorStop(0, 'rgba(255,190,100,0.26)');
    light.addColorStop(1, 'rgba(255,190,100,0)');
    g.fillStyle = light;
    g.fillRect(0, 0, size, size);
    drawPawn(g, {
      x: size / 2, y: size * 0.84, scale: size * 0.56, coat: coatOf(this.name()), bot: false,
      facing: Math.PI / 2 + 0.55 * Math.sin(now / 1300), pace: this.hop > 0 ? 0.9 : 0, step: (1 - this.hop) * 2 * Math.PI,
      swing: 0, pain: 0, down: 0, there: 1, blink: now % 3700 < 130,
    });
  }
}
