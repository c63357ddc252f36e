/** Sends attempts by a client's direct transport, without a fiber: a function call aborts them. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { parseHead } from "../attempt.js"
import type { AttemptState, Restore } from "../attempt.js"
import { getPath } from "../request.js"
import type { EmptyBody, JsonBody, RestRequest } from "../request.js"
import type { BaseUrl, ResolvedConfig } from "../resolvedConfig.js"
import { sanitizeDefect } from "../sanitize.js"
import { startTimeout } from "../timeouts.js"
import type { AnyFiber, Timeout } from "../timeouts.js"
import { classifyCause, noConnection, timedOut, withDelivered } from "../transportErrors.js"
import type { TransportFailure } from "../transportErrors.js"
import type { DirectRequest, DirectTransport, ResponseListener } from "./direct.js"

type Resume = (end: Effect.Effect<void>) => void

/** Records the events of one exchange in the state, until it ends. */
class DirectAttempt implements ResponseListener {
  readonly #request: RestRequest<unknown>
  readonly #settings: ResolvedConfig
  readonly #state: AttemptState
  readonly #caller: AnyFiber
  readonly #resume: Resume
  #timeout: Timeout | undefined = undefined
  #abort: (() => void) | undefined = undefined
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
      this.#abort = direct(request, this)
    } catch (error) {
      this.#finish()
      this.#resume(Effect.die(sanitizeDefect(error, this.#request.token)))
      return
    }
    // If a connection was free, the request has started, and needs only one timeout.
    if (!this.#isDone && !this.#state.started) {
      this.#startTimeout(this.#settings.connectionTimeout, noConnection)
    }
  }

  onStart(): void {
    if (this.#isDone || this.#state.started) return
    this.#state.started = true
    this.#timeout?.cancel()
    this.#startTimeout(this.#settings.timeout, timedOut)
  }

  abort(): void {
    if (this.#isDone) return
    this.#finish()
    this.#abort?.()
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

  #startTimeout(time: Duration.Duration, failure: TransportFailure): void {
    this.#timeout = startTimeout(this.#caller, time, () => {
      this.#state.failure = failure
      this.abort()
      this.#resume(Effect.void)
    })
  }

  #finish(): void {
    this.#isDone = true
    this.#timeout?.cancel()
  }
}

export function sendDirect(
  direct: DirectTransport,
  base: BaseUrl,
  request: RestRequest<unknown>,
  body: EmptyBody | JsonBody,
  settings: ResolvedConfig,
  restore: Restore,
  state: AttemptState,
): Effect.Effect<void> {
  return Effect.withFiberRuntime((caller) =>
    restore(
      Effect.async<void>((resume) => {
        const attempt = new DirectAttempt(request, settings, state, caller, resume)
        // A canceler of `Effect.async` would be a seventh of the memory of a request in flight.
        state.abort = () => attempt.abort()
        attempt.start(direct, toDirectRequest(base, request, body, settings))
      }),
    ),
  )
}

function toDirectRequest(
  { origin, path }: BaseUrl,
  request: RestRequest<unknown>,
  body: EmptyBody | JsonBody,
  settings: ResolvedConfig,
): DirectRequest {
  const headers: Record<string, string> = { ...settings.headers, ...request.headers }
  if (body._tag === "Json") headers["content-type"] = "application/json"
  return {
    method: request.route.method,
    origin,
    path: path + getPath(request),
    headers,
    body: body._tag === "Json" ? body.text : null,
  }
}
