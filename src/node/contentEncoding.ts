/**
 * Bodies that are compressed although none was asked for, as some gateways do. Each coding may yield
 * no more than a body may be long, so that a small body cannot fill the memory.
 */
import type { InputType, ZlibOptions } from "node:zlib"
import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib"
import { BodyTooLarge, joined, maxBodySize } from "../rest/responseBody.js"

/** The header of that name. */
type ContentEncoding = string | Array<string> | undefined

type Chunks = ReadonlyArray<Uint8Array>
type OnBroken = (error: Error) => void
type Callback = (error: Error | null, result: Uint8Array) => void
type Decompress = (input: InputType, options: ZlibOptions, callback: Callback) => void

/** More in a row are an attack. */
const maxCodings = 4

const options: ZlibOptions = { maxOutputLength: maxBodySize }

/** Whether the body has to be decompressed. */
export function isEncoded(header: ContentEncoding): boolean {
  return codingsOf(header).length > 0
}

/** The body without its codings. One that is not known here stays as it is. */
export function decompressed(
  header: ContentEncoding,
  chunks: Chunks,
  onWhole: (chunks: Chunks) => void,
  onBroken: OnBroken,
): void {
  const codings = codingsOf(header)
  if (codings.length > maxCodings) onBroken(new Error("the body is compressed too often"))
  else undo(codings, chunks, onWhole, onBroken)
}

/** The last one was applied last. */
function undo(
  codings: ReadonlyArray<string>,
  chunks: Chunks,
  onWhole: (chunks: Chunks) => void,
  onBroken: OnBroken,
): void {
  const bytes = joined(chunks)
  const decompress = decompressorOf(codings.at(-1) ?? "identity", bytes)
  if (decompress === undefined) {
    onWhole(chunks)
    return
  }
  decompress(bytes, options, (error, result) => {
    if (error === null) undo(codings.slice(0, -1), [result], onWhole, onBroken)
    else onBroken(isOverflow(error) ? new BodyTooLarge() : error)
  })
}

function codingsOf(header: ContentEncoding): ReadonlyArray<string> {
  if (header === undefined) return []
  return String(header)
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity")
}

function decompressorOf(coding: string, bytes: Uint8Array): Decompress | undefined {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return gunzip
    case "br":
      return brotliDecompress
    case "deflate":
      // By the standard with zlib's head, yet some servers send it without.
      return ((bytes[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw
    default:
      return undefined
  }
}

function isOverflow(error: Error): boolean {
  return "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
}
