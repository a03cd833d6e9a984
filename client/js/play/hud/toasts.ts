import { part } from './page.js';

const shownMs = 3600;
const most = 3;

const marks = {
  good: 'M5 13l4 4L19 7',
  bad: 'M7 7l10 10M17 7L7 17',
  info: 'M12 8v.01M12 11.500v5',
} as const;

/** A message that comes, and goes by itself. */
export function toast(kind: keyof typeof marks, text: string, more = ''): void {
  const list = part('toasts');
  const box = document.createElement('div');
  box.className = `toast ${kind}`;
  const mark = document.createElement('i');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', marks[kind]);
  svg.append(path);
  mark.append(svg);
  const words = document.createElement('div');
  words.append(text);
  if (more) {
    const small = document.createElement('small');
    small.textContent = more;
    words.append(small);
  }
  box.append(mark, words);
  list.append(box);
  while (list.children.length > most) list.firstElementChild?.remove();
  setTimeout(() => box.classList.add('going'), shownMs);
  setTimeout(() => box.remove(), shownMs + 300);
}
