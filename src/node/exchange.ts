/**
 * One request on undici, as its own handler: `dispatcher.request` makes a promise, a stream and more
 * for each, which is half of what a message costs the processor. What arrives waits here until it
 * is asked for.
 */
import { Readable } from "node:stream"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { BodyTooLarge, maxBodySize } from "../rest/responseBody.js"
import { decompressed } from "./contentEncoding.js"

/** What arrives before anybody asks for it, until the socket is told to wait (bytes). */
const mostAhead = 64 * 1024

/** Time limits are the caller's: undici keeps none of its own while an answer is awaited. */
export const noTimeouts = { headersTimeout: 0, bodyTimeout: 0 }

/** What Discord sends is short: decompressing it would cost more than the bytes. */
export const uncompressed = { "accept-encoding": "identity" }

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | Array<string> | undefined>>
}

type End = { readonly _tag: "Whole" } | { readonly _tag: "Broken"; readonly error: Error }

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #onStart: () => void
  readonly #onHead: (head: Head) => void
  readonly #onFailure: (error: Error) => void
  #controller: Dispatcher.DispatchController | undefined = undefined
  #head: Head | undefined = undefined
  #chunks: Array<Uint8Array> = []
  #ahead = 0
  #end: End | undefined = undefined
  #aborted: Error | undefined = undefined
  #reader: Readable | undefined = undefined
  #onEnd: (() => void) | undefined = undefined

  constructor(
    onStart: () => void,
    onHead: (head: Head) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#onStart = onStart
    this.#onHead = onHead
    this.#onFailure = onFailure
  }

  /** Gives the connection up, wherever it is. */
  readonly abort = (): void => {
    if (this.#end !== undefined || this.#aborted !== undefined) return
    this.#aborted = new DOMException("the request was aborted", "AbortError")
    this.#controller?.abort(this.#aborted)
  }

  /** Calls back with the whole body, decompressed, at once if it is here; fails if it is too large. */
  collect(
    onWhole: (bytes: ReadonlyArray<Uint8Array>) => void,
    onBroken: (error: Error) => void,
  ): void {
    const tell = (): void => {
      if (this.#end?._tag === "Broken") onBroken(this.#end.error)
      else {
        const encoding = this.#head?.headers["content-encoding"]
        decompressed(encoding, this.#chunks, onWhole, onBroken)
      }
    }
    if (this.#end !== undefined) {
      tell()
      return
    }
    this.#onEnd = tell
    this.#controller?.resume()
  }

  /** The body as it arrives; the socket waits for a slow reader. */
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

  /** Undici has a connection, and writes the request next. */
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
    headers: Head["headers"],
  ): void {
    // What is below is a notice, and the answer follows.
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
    else if (this.#onEnd === undefined && this.#ahead >= mostAhead) controller.pause()
  }

  onResponseEnd(): void {
    this.#over({ _tag: "Whole" })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#head === undefined) this.#onFailure(error)
    this.#over({ _tag: "Broken", error })
  }

  #over(end: End): void {
    this.#end = end
    if (this.#reader !== undefined) this.#finish(this.#reader, end)
    this.#onEnd?.()
    this.#onEnd = undefined
  }

  #finish(reader: Readable, end: End): void {
    if (end._tag === "Whole") reader.push(null)
    else reader.destroy(end.error)
  }
}
