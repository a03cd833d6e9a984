/** What a name may be: what the server's player ids may be, and short. */
export function nameError(name: string): string {
  if (name === '') return 'A name, please.';
  if (name.length > 16) return 'At most 16 letters.';
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return 'Letters A to Z, digits, and . _ - only.';
  return '';
}
