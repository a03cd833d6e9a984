/** The element with an id, which index.html has. */
export function part<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found as T;
}

/** Changes a text, but only if it changes: what the page says is often the same. */
export function say(where: HTMLElement, what: string): void {
  if (where.textContent !== what) where.textContent = what;
}

/** Runs an element's animation of this class from its beginning. */
export function flash(what: HTMLElement, name: string): void {
  what.classList.remove(name);
  void what.offsetWidth; // the style must be seen without the class once
  what.classList.add(name);
}
