/**
 * Maximum bytes of a response body after decompression, which protects the memory. Discord's
 * longest body, a message with all parts, is well below a megabyte.
 */
export const maxBodySize = 8 * 1024 * 1024

/** The error of a direct transport whose response body is too large. */
export class BodyTooLarge extends Error {
  static readonly code = "BODY_TOO_LARGE"
  readonly code = BodyTooLarge.code

  constructor() {
    super(`the response is larger than ${maxBodySize} bytes`)
  }
}

const utf8 = new TextDecoder()

/** Returns all chunks as one array. */
export function concatBytes(chunks: ReadonlyArray<Uint8Array>): Uint8Array {
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

export function decodeText(chunks: ReadonlyArray<Uint8Array>): string {
  return utf8.decode(concatBytes(chunks))
}
