import { turnSize } from './past.js';

// proto/delta/heading.go. The sines of the first quarter of a circle, in 1/256
// turn and 1/16384.
const sines = Int32Array.of(
  0, 402, 804, 1205, 1606, 2006, 2404, 2801, 3196, 3590, 3981, 4370, 4756, 5139, 5520, 5897, 6270, 6639, 7005, 7366, 7723, 8076,
  8423, 8765, 9102, 9434, 9760, 10080, 10394, 10702, 11003, 11297, 11585, 11866, 12140, 12406, 12665, 12916, 13160, 13395, 13623,
  13842, 14053, 14256, 14449, 14635, 14811, 14978, 15137, 15286, 15426, 15557, 15679, 15791, 15893, 15986, 16069, 16143, 16207,
  16261, 16305, 16340, 16364, 16379, 16384,
);

const HALF_STEP = 201;

function sine(angle: number): number {
  const a = angle & 63;
  switch ((angle >> 6) & 3) {
    case 0:
      return sines[a]!;
    case 1:
      return sines[64 - a]!;
    case 2:
      return -sines[a]!;
    default:
      return -sines[64 - a]!;
  }
}

/** Has the velocity of the first two positions turn to a heading. */
export function turnTo(v: Int32Array, turn: number, heading: number): void {
  let sin = sine(turn);
  let cos = sine(turn + 64);
  const x = (v[0]! * cos - v[1]! * sin) >> 14;
  const y = (v[0]! * sin + v[1]! * cos) >> 14;
  v[0] = x;
  v[1] = y;
  sin = sine(heading);
  cos = sine(heading + 64);
  const along = (x * cos + y * sin) >> 14;
  const across = (y * cos - x * sin) >> 14;
  if (along <= 0) return;
  const limit = turnSize(turn) > 1 ? 0 : (along * HALF_STEP) >> 14;
  const bent = Math.max(-limit, Math.min(across, limit));
  if (bent === across) return;
  v[0] = (along * cos - bent * sin) >> 14;
  v[1] = (along * sin + bent * cos) >> 14;
}

/** An angle of so many bits in 1/256 turn. */
export function in256(angle: number, bits: number): number {
  return bits > 8 ? angle >> (bits - 8) : angle << (8 - bits);
}

/** A difference of two angles, from -2^(bits-1). */
export function wrapped(difference: number, bits: number): number {
  return (difference << (32 - bits)) >> (32 - bits);
}
