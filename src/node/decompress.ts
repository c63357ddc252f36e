/** Removes the content codings of response bodies. */
import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib"
import type { InputType, ZlibOptions } from "node:zlib"
import { BodyTooLarge, maxBodySize } from "../rest/transportErrors.js"
import { concatBytes } from "../rest/transports/direct.js"

/** The header of that name. */
type ContentEncoding = string | Array<string> | undefined

type Chunks = ReadonlyArray<Uint8Array>
type OnBroken = (error: Error) => void
type Callback = (error: Error | null, result: Uint8Array) => void
type Decompress = (input: InputType, options: ZlibOptions, callback: Callback) => void

/** More codings than this in one response are an attack. */
const maxCodings = 4

const options: ZlibOptions = { maxOutputLength: maxBodySize }

/** Whether the body has to be decompressed. */
export function isEncoded(header: ContentEncoding): boolean {
  return parseCodings(header).length > 0
}

/**
 * Decompresses a body. Requests do not ask for compression, but some gateways compress anyway. A coding that is
 * unknown here leaves the body as it is, and an empty body, such as that of a 204, has no coding to
 * remove. The output is bounded, so that a small body cannot fill the memory.
 */
export function decompress(
  header: ContentEncoding,
  chunks: Chunks,
  onWhole: (chunks: Chunks) => void,
  onBroken: OnBroken,
): void {
  const codings = parseCodings(header)
  if (codings.length > maxCodings) onBroken(new Error("the body is compressed too often"))
  else decodeLast(codings, chunks, onWhole, onBroken)
}

/** Removes the codings from the last to the first. */
function decodeLast(
  codings: ReadonlyArray<string>,
  chunks: Chunks,
  onWhole: (chunks: Chunks) => void,
  onBroken: OnBroken,
): void {
  const bytes = concatBytes(chunks)
  const decoder = findDecompressor(codings.at(-1) ?? "identity", bytes)
  if (decoder === undefined || bytes.byteLength === 0) {
    onWhole(chunks)
    return
  }
  decoder(bytes, options, (error, result) => {
    if (error === null) decodeLast(codings.slice(0, -1), [result], onWhole, onBroken)
    else onBroken(isOverflow(error) ? new BodyTooLarge() : error)
  })
}

function parseCodings(header: ContentEncoding): ReadonlyArray<string> {
  if (header === undefined) return []
  return String(header)
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity")
}

function findDecompressor(coding: string, bytes: Uint8Array): Decompress | undefined {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return gunzip
    case "br":
      return brotliDecompress
    case "deflate":
      // The standard requires a zlib header, but some servers send none.
      return ((bytes[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw
    default:
      return undefined
  }
}

function isOverflow(error: Error): boolean {
  return "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
}
