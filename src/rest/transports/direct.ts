/**
 * The direct transport: a client that can send a request without `HttpClient` registers a function
 * for it. `makeSender` uses that function; `sendWithClient` serves every other client and all
 * uploads. Both must behave the same (test/e2e, test/rest/direct.test.ts).
 *
 * `HttpClient` creates a URL, an abort signal, a fiber and a response for each request. Without them
 * a `send` on `NodeDiscord.layer` takes 0.9 to 1.4 times the processor time of the bare `HttpClient`
 * call on the same client, and 1.9 to 2.9 times on a client without a direct transport
 * (`bench:cost`, rows NodeDiscord and socket).
 *
 * A client derived from such a client (`HttpClient.mapRequest`) is another client, which has no
 * direct transport.
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { currentMillis, toMillis } from "../../ratelimit/time.js"
import { parseHead, type AttemptState, type Restore } from "../attempt.js"
import { getPath } from "../request.js"
import type { BaseUrl, EmptyBody, JsonBody, ResolvedConfig, RestRequest } from "../request.js"
import { sanitizeDefect } from "../sanitize.js"
import { startTimeout } from "../timeouts.js"
import type { AnyFiber, Timeout } from "../timeouts.js"
import { classifyCause, noConnection, timedOut, withDelivered } from "../transportErrors.js"

interface DirectRequest {
  readonly method: HttpMethod
  readonly origin: string
  /** Including the query; it contains the token. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Called in this order; nothing is called after `onComplete` or `onError`. */
export interface ResponseListener {
  /** The request is about to be written to a connection. Nothing of it can have arrived before. */
  onStart(): void
  /** The names are in lower case. */
  onHead(status: number, headers: Readonly<Record<string, string | undefined>>): void
  onComplete(body: string): void
  onError(cause: unknown): void
}

export interface DirectTransport {
  /** Sent with every request, unless the request has its own. */
  readonly headers: Readonly<Record<string, string>>
  readonly send: (request: DirectRequest, listener: ResponseListener) => Abortable
}

interface Abortable {
  /** Aborts the request and its connection. */
  abort(): void
}

/**
 * Called when a request is about to be written, by a client with a direct transport that sends a
 * request through its `HttpClient`, as it does for uploads.
 */
export class RequestStart extends Context.Tag("effect-discord/RequestStart")<
  RequestStart,
  () => void
>() {}

/** Sends an attempt without a fiber: a function call aborts it. */
type DirectSender = (
  base: BaseUrl,
  request: RestRequest<unknown>,
  body: EmptyBody | JsonBody,
  settings: ResolvedConfig,
  restore: Restore,
  state: AttemptState,
  caller: AnyFiber,
) => Effect.Effect<void>

const senders = new WeakMap<HttpClient.HttpClient, DirectSender>()

/** The client brings the code along, so that a bundle without such a client does not contain it. */
export function registerDirect(
  client: HttpClient.HttpClient,
  direct: DirectTransport,
): HttpClient.HttpClient {
  senders.set(client, makeSender(direct))
  return client
}

export function getDirect(client: HttpClient.HttpClient): DirectSender | undefined {
  return senders.get(client)
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

type Resume = (end: Effect.Effect<void>) => void

/** Records the events of one exchange in the state, until it ends. */
class DirectAttempt implements ResponseListener {
  readonly #request: RestRequest<unknown>
  readonly #settings: ResolvedConfig
  readonly #state: AttemptState
  readonly #caller: AnyFiber
  readonly #resume: Resume
  #timeout: Timeout | undefined = undefined
  /** When the attempt ends, in milliseconds; 0: when `#timeout` expires. */
  #endsAt = 0
  #exchange: Abortable | undefined = undefined
  #isDone = false

  constructor(
    request: RestRequest<unknown>,
    settings: ResolvedConfig,
    state: AttemptState,
    caller: AnyFiber,
    resume: Resume,
  ) {
    this.#request = request
    this.#settings = settings
    this.#state = state
    this.#caller = caller
    this.#resume = resume
  }

  start(direct: DirectTransport, request: DirectRequest): void {
    try {
      this.#exchange = direct.send(request, this)
    } catch (error) {
      this.#finish()
      this.#resume(Effect.die(sanitizeDefect(error, this.#request.token)))
      return
    }
    // If a connection was free, the request has started, and needs only one timeout.
    if (!this.#isDone && !this.#state.started) {
      this.#startTimeout(this.#settings.connectionTimeout)
    }
  }

  onStart(): void {
    if (this.#isDone || this.#state.started) return
    this.#state.started = true
    const { connectionTimeout, timeout } = this.#settings
    if (this.#timeout !== undefined && toMillis(timeout) >= toMillis(connectionTimeout)) {
      // The connection timeout is not replaced: if it expires first, it is restarted for the time left. That is
      // rare, and cheaper than another timeout for every request.
      this.#endsAt = this.#now() + toMillis(timeout)
    } else {
      this.#timeout?.cancel()
      this.#startTimeout(timeout)
    }
  }

  abort(): void {
    if (this.#isDone) return
    this.#finish()
    this.#exchange?.abort()
  }

  onHead(status: number, headers: Readonly<Record<string, string | undefined>>): void {
    if (!this.#isDone) this.#state.response = parseHead(status, headers, this.#request.token)
  }

  onComplete(body: string): void {
    const { response } = this.#state
    if (this.#isDone || response === undefined) return
    this.#state.response = { ...response, body }
    this.#finish()
    this.#resume(Effect.void)
  }

  onError(cause: unknown): void {
    if (this.#isDone) return
    this.#state.failure = withDelivered(classifyCause(cause), this.#state.started)
    this.#finish()
    this.#resume(Effect.void)
  }

  #startTimeout(limit: Duration.Duration): void {
    this.#timeout = startTimeout(this.#caller, limit, () => {
      const left = this.#endsAt - this.#now()
      if (left > 0) {
        this.#startTimeout(Duration.millis(left))
        return
      }
      this.#state.failure = this.#state.started ? timedOut : noConnection
      this.abort()
      this.#resume(Effect.void)
    })
  }

  #now(): number {
    return currentMillis(Context.get(this.#caller.currentDefaultServices, Clock.Clock))
  }

  #finish(): void {
    this.#isDone = true
    this.#timeout?.cancel()
  }
}

function makeSender(direct: DirectTransport): DirectSender {
  const prepared = new WeakMap<ResolvedConfig, PreparedHeaders>()
  return (base, request, body, settings, restore, state, caller) =>
    restore(
      Effect.async<void>((resume) => {
        const attempt = new DirectAttempt(request, settings, state, caller, resume)
        // The pipeline calls `abort` on interruption: a canceler returned to `Effect.async` would take a seventh
        // of the memory of a request in flight.
        state.abort = () => attempt.abort()
        let headers = prepared.get(settings)
        if (headers === undefined) {
          headers = prepareHeaders(direct, settings)
          prepared.set(settings, headers)
        }
        attempt.start(direct, toDirectRequest(base, request, body, headers))
      }),
    )
}

/** The headers of all requests with and without a body. */
type PreparedHeaders = Readonly<Record<(EmptyBody | JsonBody)["_tag"], DirectRequest["headers"]>>

function prepareHeaders(direct: DirectTransport, { headers }: ResolvedConfig): PreparedHeaders {
  const Empty = { ...direct.headers, ...headers }
  return { Empty, Json: { ...Empty, "content-type": "application/json" } }
}

function toDirectRequest(
  { origin, path }: BaseUrl,
  request: RestRequest<unknown>,
  body: EmptyBody | JsonBody,
  prepared: PreparedHeaders,
): DirectRequest {
  const headers = prepared[body._tag]
  return {
    method: request.route.method,
    origin,
    path: path + getPath(request),
    headers: request.headers === undefined ? headers : { ...headers, ...request.headers },
    body: body._tag === "Json" ? body.text : null,
  }
}
