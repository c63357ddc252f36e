/**
 * An `HttpClient` that sends nothing: it writes down what would have been sent, and makes up an
 * answer, so that the program goes on. Everything before it is real: a message is checked, encoded,
 * and waits for its permit.
 *
 * @since 0.1.0
 * @module
 */
import * as HttpClient from "@effect/platform/HttpClient"
import { RequestError } from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { dryRunHeader } from "./attempt.js"
import { FakeResponses } from "./dryRun/fakeResponses.js"
import type { FakeResponse } from "./dryRun/fakeResponses.js"
import { parseOperation, parsePayload } from "./dryRun/parseRequest.js"
import type { DryRunOperation, File, Payload } from "./dryRun/parseRequest.js"
import { redactToken } from "./sanitize.js"

export type { File } from "./dryRun/parseRequest.js"

/**
 * A request that was not sent. The webhook's token is nowhere in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly method: string
  /** Method and path template, such as `POST /webhooks/{webhook.id}/{webhook.token}`. */
  readonly route: string
  readonly webhookId: string
  /** The message that would be read, edited or deleted. */
  readonly messageId: string | undefined
  /** Such as `{ wait: "true", thread_id: "42" }`. */
  readonly query: Readonly<Record<string, string>>
  /** The body as Discord would read it; `undefined` when there is none. */
  readonly json: unknown
  /** What would be uploaded. Its bytes were read, counted and let go. */
  readonly files: ReadonlyArray<File>
}

/** The latest so many are kept. */
const maxRequests = 1000

/**
 * The record of a dry run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The latest 1000 requests, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<Request>>
  /** How many there were, with those that are not kept any more. */
  readonly count: Effect.Effect<number>
  /** Forgets them. The messages that were made up stay. */
  readonly clear: Effect.Effect<void>
}

/**
 * What a dry run has written down.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { DryRun, RateLimiter, Strategy, Webhook } from "effect-discord"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* Webhook.fromUrl("https://discord.com/api/webhooks/1234/abc-DEF_5")
 *   yield* Webhook.send(hook, { content: "hello" })
 *   const dryRun = yield* DryRun.DryRun
 *   const [request] = yield* dryRun.requests
 *   return request?.json // { content: "hello" }
 * }).pipe(Effect.provide([DryRun.layer, RateLimiter.layer, Strategy.layerAdaptive]))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class DryRun extends Context.Tag("effect-discord/DryRun")<DryRun, Service>() {}

class RequestLog {
  #requests: Array<Request> = []
  #count = 0

  get requests(): ReadonlyArray<Request> {
    return [...this.#requests]
  }

  get count(): number {
    return this.#count
  }

  add(request: Request): void {
    this.#count += 1
    this.#requests.push(request)
    if (this.#requests.length > maxRequests) this.#requests.shift()
  }

  clear(): void {
    this.#requests = []
    this.#count = 0
  }
}

/**
 * Stands where the `HttpClient` would be, so that no socket is opened. Each request is logged at
 * level info, with the annotations `discord.route`, `discord.webhook.id`, `discord.dry_run.json`
 * and `discord.dry_run.files`.
 *
 * A send is answered with the message under a made-up id, which can be read, edited and deleted
 * until 1000 younger ones are there. A message that the run has not made is taken to be there,
 * without text. A webhook whose deletion was asked for is still there. No answer has rate limits, so
 * requests wait for nothing but the limiter's own 50 a second. Whoever uses the client for anything
 * but a webhook gets a `RequestError`.
 *
 * @example
 * ```ts
 * import { DryRun, RateLimiter, Strategy } from "effect-discord"
 * import { Layer } from "effect"
 *
 * const nothingIsSent = Layer.mergeAll(DryRun.layer, RateLimiter.layer, Strategy.layerAdaptive)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<DryRun | HttpClient.HttpClient> = Layer.effectContext(
  Effect.sync(() => {
    const log = new RequestLog()
    const responses = new FakeResponses()
    const client = HttpClient.make((request, url) => {
      const operation = parseOperation(request.method, url)
      return operation === undefined
        ? Effect.fail(makeUnsupportedError(request))
        : recordAndRespond(request, operation, log, responses)
    })
    return Context.make(HttpClient.HttpClient, client).pipe(Context.add(DryRun, makeService(log)))
  }),
)

function makeService(log: RequestLog): Service {
  return {
    requests: Effect.sync(() => log.requests),
    count: Effect.sync(() => log.count),
    clear: Effect.sync(() => log.clear()),
  }
}

function recordAndRespond(
  request: HttpClientRequest.HttpClientRequest,
  operation: DryRunOperation,
  log: RequestLog,
  responses: FakeResponses,
): Effect.Effect<HttpClientResponse.HttpClientResponse, RequestError> {
  return Effect.gen(function* () {
    const payload = yield* parsePayload(request)
    const now = yield* Clock.currentTimeMillis
    const recorded = toRecord(operation, payload)
    log.add(recorded)
    yield* logRequest(recorded)
    return HttpClientResponse.fromWeb(
      request,
      toWebResponse(responses.respond(operation, payload, now)),
    )
  })
}

function toRecord(operation: DryRunOperation, payload: Payload): Request {
  const { messageId, method, query, route, token, webhookId } = operation
  return {
    method,
    route,
    webhookId,
    messageId,
    query,
    json: redactJson(payload.json, token),
    files: payload.files.map((file) => ({ ...file, name: redactToken(file.name, token) })),
  }
}

function logRequest({ files, json, route, webhookId }: Request): Effect.Effect<void> {
  return Effect.annotateLogs(Effect.logInfo("Dry run: this would be sent"), {
    "discord.route": route,
    "discord.webhook.id": webhookId,
    ...(json === undefined ? {} : { "discord.dry_run.json": json }),
    ...(files.length === 0 ? {} : { "discord.dry_run.files": files.map(describeFile).join(", ") }),
  })
}

function describeFile({ contentType, name, size }: File): string {
  return `${name} (${contentType}, ${size} bytes)`
}

/** A program may send its own URL by mistake, which is the moment to be told, but not in full. */
function redactJson(json: unknown, token: Redacted.Redacted): unknown {
  if (typeof json === "string") return redactToken(json, token)
  if (Array.isArray(json)) return json.map((item) => redactJson(item, token))
  if (typeof json !== "object" || json === null) return json
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, redactJson(value, token)]),
  )
}

const headers = { [dryRunHeader]: "true" }

function toWebResponse({ json, status, text }: FakeResponse): Response {
  return json === undefined
    ? new Response(text ?? null, { status, headers })
    : Response.json(json, { status, headers })
}

/** Nothing of the request is shown: it is not ours. */
function makeUnsupportedError(request: HttpClientRequest.HttpClientRequest): RequestError {
  return new RequestError({
    request,
    reason: "Transport",
    description: "a dry run answers only for webhooks",
  })
}
