/** A response of undici as the platform's `HttpClientResponse`. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { concatBytes, decodeText } from "../rest/transports/responseBody.js"
import { isEncoded, type Exchange, type ResponseHead } from "./exchange.js"
type Body<A> = Effect.Effect<A, HttpClientError.ResponseError>

export class UndiciResponse
  extends Inspectable.Class
  implements HttpClientResponse.HttpClientResponse
{
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

  get text(): Body<string> {
    return Effect.map(this.#chunks, decodeText)
  }

  get json(): Body<unknown> {
    return this.#parsed(this.text, (text) => (text === "" ? null : (JSON.parse(text) as unknown)))
  }

  get urlParamsBody(): Body<UrlParams.UrlParams> {
    return this.#parsed(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get arrayBuffer(): Body<ArrayBuffer> {
    return Effect.map(this.#chunks, (chunks) => new Uint8Array(concatBytes(chunks)).buffer)
  }

  get formData(): Body<FormData> {
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

  get #chunks(): Body<ReadonlyArray<Uint8Array>> {
    return Effect.async((resume) => {
      this.#exchange.collect(
        (chunks) => resume(Effect.succeed(chunks)),
        (error) => resume(Effect.fail(this.#error(error))),
      )
    })
  }

  #parsed<A>(text: Body<string>, parse: (text: string) => A): Body<A> {
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
