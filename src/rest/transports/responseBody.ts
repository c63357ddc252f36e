/**
 * The body of a response, which has a limit: whoever answers could otherwise fill the memory. The
 * longest body of Discord's, a message with everything in it, is well below a megabyte.
 */

/** Bytes, after decompression. */
export const maxBodySize = 8 * 1024 * 1024

/** What a client's own way fails with, as soon as a body is longer. */
export class BodyTooLarge extends Error {
  static readonly code = "BODY_TOO_LARGE"
  readonly code = BodyTooLarge.code

  constructor() {
    super(`the response is larger than ${maxBodySize} bytes`)
  }
}

const utf8 = new TextDecoder()

/** What has arrived, in one piece. */
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
