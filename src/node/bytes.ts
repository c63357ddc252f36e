/** What has arrived, in one piece. */

const utf8 = new TextDecoder()

export function joined(chunks: ReadonlyArray<Uint8Array>): Uint8Array {
  const [first] = chunks
  if (first !== undefined && chunks.length === 1) return first
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}

export function textOf(chunks: ReadonlyArray<Uint8Array>): string {
  return utf8.decode(joined(chunks))
}
