/** Reads JSON that this app's own server wrote as `src/protocol` says; both are built together, so the type holds. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of the path that it asked
export function parseAnswer<Answer>(text: string): Answer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the server is believed, see above
  return JSON.parse(text) as Answer;
}
