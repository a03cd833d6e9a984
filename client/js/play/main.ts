// The page to play on: a name at the door, and then the world.
import { openDoor } from './door.js';
import { Game } from './game.js';
import { part } from './hud/page.js';
import { Stage } from './stage/stage.js';

const stage = new Stage(part<HTMLCanvasElement>('stage'));
let game: Game | undefined;

openDoor(async (name) => {
  game = await Game.enter(name, stage);
  document.body.dataset['scene'] = 'world';
  part('hud').hidden = false;
});

const empty = { zone: { width: 60, height: 40 }, me: 0, nameOf: () => '', target: 0, goal: null, lanterns: 0, bubbles: new Map() };

function frame(now: number): void {
  requestAnimationFrame(frame);
  if (game) game.frame(now);
  else stage.draw(now, empty, []);
}
requestAnimationFrame(frame);
