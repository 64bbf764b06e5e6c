// One person's data as one JSON text, made while it is sent.

export async function* exportedText(
  profile: object,
  lists: Record<string, AsyncIterable<object>>,
): AsyncGenerator<string> {
  yield `{"data":{"profile":${JSON.stringify(profile)}`;
  for (const [name, items] of Object.entries(lists)) {
    yield `,${JSON.stringify(name)}:[`;
    let separator = '';
    for await (const item of items) {
      yield separator + JSON.stringify(item);
      separator = ',';
    }
    yield ']';
  }
  yield '}}';
}
