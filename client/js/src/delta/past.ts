/** What is remembered of an entity besides its lines: proto/delta/past.go. */
export class Past {
  age = 0;
  habit = 0;
  turn = 0;
  astray = false;
}

export const MAX_AGE = 255;

export function ageClass(age: number): number {
  if (age < 24) return age;
  if (age < 64) return 24 + ((age - 24) >> 3);
  if (age < 128) return 29;
  return age < MAX_AGE ? 30 : 31;
}

export function turnClass(turn: number): number {
  if (turn >= -2 && turn <= 2) return turn + 2;
  if (turn >= -8 && turn < 0) return 5;
  return turn > 0 && turn <= 8 ? 6 : 7;
}

export function turnSize(turn: number): number {
  if (turn === 0) return 0;
  if (turn >= -2 && turn <= 2) return 1;
  return turn >= -8 && turn <= 8 ? 2 : 3;
}

export function hintClass(difference: number): number {
  if (difference < -40) return 0;
  if (difference < -12) return 1;
  if (difference <= 12) return 2;
  return difference <= 40 ? 3 : 4;
}
