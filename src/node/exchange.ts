/**
 * One request on undici, with its own dispatch handler: `dispatcher.request` allocates a promise and a
 * stream for each, which is half of a message's processor time. The body is buffered until it is read.
 */
import { Readable } from "node:stream"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { BodyTooLarge, maxBodySize, concatBytes } from "../rest/transports/responseBody.js"
import {
  type InputType,
  type ZlibOptions,
  brotliDecompress,
  gunzip,
  inflate,
  inflateRaw,
} from "node:zlib"

/** Bytes that are buffered before the body is read; then the socket is paused. */
const maxBuffered = 64 * 1024

/** Disables undici's own timeouts, since the caller has its own. */
export const noTimeouts = { headersTimeout: 0, bodyTimeout: 0 }

/** Responses are short: decompressing them would cost more than the bytes. */
export const uncompressed = { "accept-encoding": "identity" }

export interface ResponseHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string | Array<string> | undefined>>
}

type ExchangeEnd = { readonly _tag: "Whole" } | { readonly _tag: "Broken"; readonly error: Error }

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #onStart: () => void
  readonly #onHead: (head: ResponseHead) => void
  readonly #onFailure: (error: Error) => void
  #controller: Dispatcher.DispatchController | undefined = undefined
  #head: ResponseHead | undefined = undefined
  #chunks: Array<Uint8Array> = []
  #ahead = 0
  #end: ExchangeEnd | undefined = undefined
  #aborted: Error | undefined = undefined
  #reader: Readable | undefined = undefined
  #onEnd: (() => void) | undefined = undefined

  constructor(
    onStart: () => void,
    onHead: (head: ResponseHead) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#onStart = onStart
    this.#onHead = onHead
    this.#onFailure = onFailure
  }

  /** Aborts the request in any state. */
  readonly abort = (): void => {
    if (this.#end !== undefined || this.#aborted !== undefined) return
    this.#aborted = new DOMException("the request was aborted", "AbortError")
    this.#controller?.abort(this.#aborted)
  }

  /** Passes on the decompressed body, immediately if it is complete; fails if it is too large. */
  collect(
    onWhole: (bytes: ReadonlyArray<Uint8Array>) => void,
    onBroken: (error: Error) => void,
  ): void {
    const finish = (): void => {
      if (this.#end?._tag === "Broken") onBroken(this.#end.error)
      else {
        const encoding = this.#head?.headers["content-encoding"]
        decompressed(encoding, this.#chunks, onWhole, onBroken)
      }
    }
    if (this.#end !== undefined) {
      finish()
      return
    }
    this.#onEnd = finish
    this.#controller?.resume()
  }

  /** The body as a stream with backpressure. */
  read(): Readable {
    const reader = new Readable({
      read: () => this.#controller?.resume(),
      destroy: (error, done) => {
        this.abort()
        done(error)
      },
    })
    this.#reader = reader
    for (const chunk of this.#chunks) reader.push(chunk)
    this.#chunks = []
    if (this.#end !== undefined) this.#finish(reader, this.#end)
    return reader
  }

  /** Called when undici has a connection and writes the request next. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    // An error thrown here ends the request alone; `controller.abort` would also close the
    // connection, which has seen nothing of this request.
    if (this.#aborted !== undefined) throw this.#aborted
    this.#controller = controller
    this.#onStart()
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHead["headers"],
  ): void {
    // An informational response; the final one follows.
    if (status < 200) return
    this.#head = { status, headers }
    this.#onHead(this.#head)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#reader !== undefined) {
      if (!this.#reader.push(chunk)) controller.pause()
      return
    }
    this.#chunks.push(chunk)
    this.#ahead += chunk.byteLength
    if (this.#ahead > maxBodySize) controller.abort(new BodyTooLarge())
    else if (this.#onEnd === undefined && this.#ahead >= maxBuffered) controller.pause()
  }

  onResponseEnd(): void {
    this.#over({ _tag: "Whole" })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#head === undefined) this.#onFailure(error)
    this.#over({ _tag: "Broken", error })
  }

  #over(end: ExchangeEnd): void {
    this.#end = end
    if (this.#reader !== undefined) this.#finish(this.#reader, end)
    this.#onEnd?.()
    this.#onEnd = undefined
  }

  #finish(reader: Readable, end: ExchangeEnd): void {
    if (end._tag === "Whole") reader.push(null)
    else reader.destroy(end.error)
  }
}

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
 * Decompresses a body, although none was requested: some gateways compress anyway. A coding that is
 * unknown here leaves the body as it is, and an empty body, such as that of a 204, has no coding to
 * remove. The output is bounded, so that a small body cannot fill the memory.
 */
function decompressed(
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
  const decompress = findDecompressor(codings.at(-1) ?? "identity", bytes)
  if (decompress === undefined || bytes.byteLength === 0) {
    onWhole(chunks)
    return
  }
  decompress(bytes, options, (error, result) => {
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
