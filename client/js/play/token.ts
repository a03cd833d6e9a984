/** Asks the page's own server for a token; it gives one to whoever asks. */
export async function fetchToken(player: string): Promise<string> {
  const response = await fetch('token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ player }),
  });
  if (!response.ok) throw new Error((await response.text()).trim() || `the server answered ${response.status}`);
  const { token } = (await response.json()) as { token: string };
  return token;
}
