/**
 * An `HttpClient` that sends nothing: it records each request and returns a fake response.
 * Everything before the request is real: messages are validated, encoded, and wait for their
 * permit.
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
import { FakeResponses, parseOperation, parsePayload } from "./fakeDiscord.js"
import type { DryRunOperation, FakeResponse, File, Payload } from "./fakeDiscord.js"
import { redactToken } from "./redactToken.js"

export type { File } from "./fakeDiscord.js"

/**
 * A recorded request. It does not contain the webhook's token.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly method: string
  /** Method and path template, such as `POST /webhooks/{webhook.id}/{webhook.token}`. */
  readonly route: string
  readonly webhookId: string
  /** The message to get, edit or delete. */
  readonly messageId: string | undefined
  /** Such as `{ wait: "true", thread_id: "42" }`. */
  readonly query: Readonly<Record<string, string>>
  /** The body as Discord would parse it; `undefined` if there is none. */
  readonly json: unknown
  /** The files of the request. Their bytes were read and counted, but not kept. */
  readonly files: ReadonlyArray<File>
}

/** Maximum number of recorded requests. */
const maxRequests = 1000

/**
 * The recorded requests of a dry run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The latest 1000 requests, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<Request>>
  /** The number of requests since the last `clear`, including those that are no longer recorded. */
  readonly count: Effect.Effect<number>
  /** Clears the recorded requests, and sets `count` to 0. The fake messages stay. */
  readonly clear: Effect.Effect<void>
}

/**
 * The service that records the requests of a dry run.
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
 * Provides an `HttpClient` that opens no socket. Each request is logged at level info, with the
 * annotations `discord.route`, `discord.webhook.id`, `discord.dry_run.json` and
 * `discord.dry_run.files`.
 *
 * The response to a send contains the message with a generated id, by which it can be read, edited
 * and deleted; the latest 1000 messages are kept. An unknown message is assumed to exist, without
 * content. Deleting a webhook has no effect on later requests. Responses have no rate limit
 * headers, so only the limiter's own 50 requests a second apply. A request that is not to a webhook
 * fails with a `RequestError`.
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

/** A program may send its own webhook URL by mistake; the record shows it without the token. */
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

/** The error does not describe the request, which may contain secrets. */
function makeUnsupportedError(request: HttpClientRequest.HttpClientRequest): RequestError {
  return new RequestError({
    request,
    reason: "Transport",
    description: "a dry run supports only requests to webhooks",
  })
}
