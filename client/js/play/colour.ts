// What somebody looks like follows from the name alone, so that all pages agree.

/** A 32-bit FNV-1a hash. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 15;
  return Math.imul(h, 0x2c1b3c6d) >>> 0;
}

/** Hues that are told apart at night; the amber of lanterns is left to lanterns. */
const hues = [352, 14, 88, 140, 166, 190, 208, 230, 258, 284, 310, 332];

/** The colours of one body. */
export interface Coat {
  readonly light: string;
  readonly body: string;
  readonly dark: string;
  readonly line: string;
}

function coat(h: number, s: number, l: number): Coat {
  return {
    light: `hsl(${h} ${s}% ${l + 17}%)`,
    body: `hsl(${h} ${s}% ${l}%)`,
    dark: `hsl(${h + 12} ${s}% ${l - 20}%)`,
    line: `hsl(${h + 12} ${s * 0.7}% ${Math.max(l - 46, 8)}%)`,
  };
}

const players = hues.map((h) => coat(h, 72, 61));
const bots = [212, 220, 228, 205].map((h) => coat(h, 14, 50));

export function coatOf(player: string): Coat {
  return players[hash(player) % players.length]!;
}

export function botCoat(entity: number): Coat {
  return bots[entity % bots.length]!;
}

/** A deterministic stream of numbers in [0, 1). */
export function dice(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = Math.imul(s ^ (s >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 0x100000000;
  };
}
