/**
 * The platform's `HttpClient` on undici's `dispatch`, at half the price of its `request`: the exchange of
 * one request, the response, and the client.
 */
import { Readable } from "node:stream"
import * as NodeStream from "@effect/platform-node/NodeStream"
import type { Dispatcher } from "@effect/platform-node/Undici"
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { BodyTooLarge, maxBodySize } from "../rest/transportErrors.js"
import { concatBytes, decodeText, registerDirect, RequestStart } from "../rest/transports/direct.js"
import type { DirectTransport, ResponseListener } from "../rest/transports/direct.js"
import { decompress, isEncoded } from "./decompress.js"

/** Bytes that are buffered before the body is read; then the socket is paused. */
const maxBuffered = 64 * 1024

/** Disables undici's own timeouts, since the caller has its own. */
const noTimeouts = { headersTimeout: 0, bodyTimeout: 0 }

/** Responses are short: decompressing them would cost more than the bytes. */
const uncompressed = { "accept-encoding": "identity" }

interface ResponseHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string | Array<string> | undefined>>
}

type ExchangeEnd = { readonly _tag: "Whole" } | { readonly _tag: "Broken"; readonly error: Error }

function makeAbortError(): Error {
  return new DOMException("the request was aborted", "AbortError")
}

/**
 * An error thrown in `onRequestStart` ends the request alone; `controller.abort` would also close the
 * connection, which has seen nothing of this request.
 */
function throwIfAborted(aborted: Error | undefined): void {
  if (aborted !== undefined) throw aborted
}

/** Whether a final response follows. */
function isInformational(status: number): boolean {
  return status < 200
}

/**
 * One request on undici, with its own dispatch handler: `dispatcher.request` allocates a promise and a
 * stream for each, which is half of a message's processor time. The body is buffered until it is read.
 */
class Exchange implements Dispatcher.DispatchHandler {
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
    this.#aborted = makeAbortError()
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
        if (encoding === undefined) onWhole(this.#chunks)
        else decompress(encoding, this.#chunks, onWhole, onBroken)
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
    throwIfAborted(this.#aborted)
    this.#controller = controller
    this.#onStart()
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHead["headers"],
  ): void {
    if (isInformational(status)) return
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

type BodyEffect<A> = Effect.Effect<A, HttpClientError.ResponseError>

/** A response of undici as the platform's `HttpClientResponse`. */
class UndiciResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  readonly remoteAddress: Option.Option<string> = Option.none()
  readonly #head: ResponseHead
  readonly #exchange: Exchange

  constructor(
    request: HttpClientRequest.HttpClientRequest,
    head: ResponseHead,
    exchange: Exchange,
  ) {
    super()
    this.request = request
    this.status = head.status
    this.headers = Headers.fromInput(head.headers)
    this.#head = head
    this.#exchange = exchange
  }

  get cookies(): Cookies.Cookies {
    const header = this.#head.headers["set-cookie"]
    if (header === undefined) return Cookies.empty
    return Cookies.fromSetCookie(Array.isArray(header) ? header : [header])
  }

  get text(): BodyEffect<string> {
    return Effect.map(this.#chunks, decodeText)
  }

  get json(): BodyEffect<unknown> {
    return this.#parsed(this.text, (text) => (text === "" ? null : (JSON.parse(text) as unknown)))
  }

  get urlParamsBody(): BodyEffect<UrlParams.UrlParams> {
    return this.#parsed(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get arrayBuffer(): BodyEffect<ArrayBuffer> {
    return Effect.map(this.#chunks, (chunks) => new Uint8Array(concatBytes(chunks)).buffer)
  }

  get formData(): BodyEffect<FormData> {
    const type = { "content-type": this.headers["content-type"] ?? "" }
    return Effect.flatMap(this.arrayBuffer, (bytes) =>
      Effect.tryPromise({
        try: () => new Response(bytes, { headers: type }).formData(),
        catch: this.#error,
      }),
    )
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return isEncoded(this.#head.headers["content-encoding"])
      ? Stream.unwrap(Effect.map(this.#chunks, Stream.fromIterable))
      : NodeStream.fromReadable(() => this.#exchange.read(), this.#error)
  }

  /** Without the URL, which may be a secret. */
  override toJSON(): unknown {
    return { _id: "@effect/platform/HttpClientResponse", status: this.status }
  }

  get #chunks(): BodyEffect<ReadonlyArray<Uint8Array>> {
    return Effect.async((resume) => {
      this.#exchange.collect(
        (chunks) => resume(Effect.succeed(chunks)),
        (error) => resume(Effect.fail(this.#error(error))),
      )
    })
  }

  #parsed<A>(text: BodyEffect<string>, parse: (text: string) => A): BodyEffect<A> {
    return Effect.flatMap(text, (read) =>
      Effect.try({ try: () => parse(read), catch: this.#error }),
    )
  }

  readonly #error = (cause: unknown): HttpClientError.ResponseError =>
    new HttpClientError.ResponseError({
      request: this.request,
      response: this,
      reason: "Decode",
      cause,
    })
}

type Body = Exclude<Dispatcher.DispatchOptions["body"], undefined>

/** An `HttpClient` that follows no redirect. */
export function makeClient(dispatcher: Dispatcher): HttpClient.HttpClient {
  const client = HttpClient.make((request, url, signal, fiber) => {
    const onStart = Option.getOrElse(
      Context.getOption(fiber.currentContext, RequestStart),
      () => constVoid,
    )
    const send = (body: Body) => execute(dispatcher, request, url, signal, body, onStart)
    return request.body._tag === "Stream"
      ? Effect.flatMap(NodeStream.toReadable(request.body.stream), send)
      : send(toUndiciBody(request.body))
  })
  return registerDirect(client, makeDirect(dispatcher))
}

function toUndiciBody(body: Exclude<HttpBody.HttpBody, HttpBody.Stream>): Body {
  if (body._tag === "Empty") return null
  // The platform leaves this untyped; undici checks it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (body._tag === "FormData" ? body.formData : body.body) as Body
}

function execute(
  dispatcher: Dispatcher,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  signal: AbortSignal,
  body: Body,
  onStart: () => void,
): Effect.Effect<UndiciResponse, HttpClientError.RequestError> {
  return Effect.async((resume) => {
    const fail = (cause: unknown): void => {
      const error = new HttpClientError.RequestError({ request, reason: "Transport", cause })
      resume(Effect.fail(error))
    }
    const exchange: Exchange = new Exchange(
      onStart,
      (head) => resume(Effect.succeed(new UndiciResponse(request, head, exchange))),
      fail,
    )
    signal.addEventListener("abort", exchange.abort, { once: true })
    const options: Dispatcher.DispatchOptions = {
      ...noTimeouts,
      method: request.method,
      headers: { ...uncompressed, ...request.headers },
      origin: url.origin,
      path: url.pathname + url.search,
      body,
    }
    try {
      dispatcher.dispatch(options, exchange)
    } catch (error) {
      fail(error)
    }
  })
}

/**
 * One request of this SDK without the platform's `HttpClient`; see `rest/transports/direct.ts`. It
 * reads the body at once, and allocates nothing but itself.
 */
class DirectExchange implements Dispatcher.DispatchHandler {
  readonly #listener: ResponseListener
  #controller: Dispatcher.DispatchController | undefined = undefined
  #encoding: string | Array<string> | undefined = undefined
  readonly #chunks: Array<Uint8Array> = []
  #size = 0
  #aborted: Error | undefined = undefined
  #isOver = false

  constructor(listener: ResponseListener) {
    this.#listener = listener
  }

  abort(): void {
    if (this.#isOver || this.#aborted !== undefined) return
    this.#aborted = makeAbortError()
    this.#controller?.abort(this.#aborted)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    throwIfAborted(this.#aborted)
    this.#controller = controller
    this.#listener.onStart()
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHead["headers"],
  ): void {
    if (isInformational(status)) return
    this.#encoding = headers["content-encoding"]
    this.#listener.onHead(status, joinRepeated(headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    if (this.#size > maxBodySize) controller.abort(new BodyTooLarge())
  }

  onResponseEnd(): void {
    this.#isOver = true
    if (this.#encoding === undefined) this.#listener.onComplete(decodeText(this.#chunks))
    else {
      decompress(
        this.#encoding,
        this.#chunks,
        (chunks) => this.#listener.onComplete(decodeText(chunks)),
        (error) => this.#listener.onError(error),
      )
    }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#isOver = true
    this.#listener.onError(error)
  }
}

/** Joins repeated headers as `Headers` does, except for cookies, which nothing reads. */
function joinRepeated(
  headers: ResponseHead["headers"],
): Readonly<Record<string, string | undefined>> {
  for (const name in headers)
    if (Array.isArray(headers[name]) && name !== "set-cookie") return Headers.fromInput(headers)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no other list is left
  return headers as Readonly<Record<string, string | undefined>>
}

function makeDirect(dispatcher: Dispatcher): DirectTransport {
  return {
    headers: uncompressed,
    send: ({ body, headers, method, origin, path }, listener) => {
      const exchange = new DirectExchange(listener)
      const options = { method, origin, path, headers, body, headersTimeout: 0, bodyTimeout: 0 }
      dispatcher.dispatch(options, exchange)
      return exchange
    },
  }
}
