/**
 * A network that follows a script, a limiter that grants at once and records outcomes, and requests
 * that are executed with both.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Permit } from "../../src/index.js"
import { RateLimiter, Route, Webhook } from "../../src/index.js"
import { execute } from "../../src/rest/pipeline.js"
import {
  decodedBody,
  emptyBody,
  ignoredBody,
  makeRequest,
  type ResponseBody,
  type RestRequest,
} from "../../src/rest/request.js"
import { type DirectTransport, registerDirect } from "../../src/rest/transports/direct.js"
/** What the network does with one request. */
export type Event =
  | { readonly answer: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | { readonly fails: string; readonly syscall?: string; readonly message?: string }
  | {
      readonly cutAfter: string
      readonly answer: number
      readonly headers?: Record<string, string>
    }
  | {
      readonly stallsAfter: string
      readonly answer: number
      readonly headers?: Record<string, string>
    }
  | { readonly throws: unknown }
  | "silence"

interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface Network {
  readonly client: HttpClient.HttpClient
  readonly layer: Layer.Layer<HttpClient.HttpClient>
  /** Requests, in the order of arrival. */
  readonly sent: Array<Sent>
  /** Requests that were given up by the client. */
  readonly aborted: { count: number }
}

/** Responds by the script, one event for each request; the last event repeats. */
export const network = (...script: ReadonlyArray<Event>): Network => {
  const sent: Array<Sent> = []
  const aborted = { count: 0 }
  const client = HttpClient.make((request, url, signal) => {
    signal.addEventListener("abort", () => aborted.count++)
    const event = script[Math.min(sent.length, script.length - 1)] ?? "silence"
    sent.push({
      method: request.method,
      url: url.toString(),
      headers: { ...request.headers },
      body: bodyOf(request),
    })
    return perform(request, event)
  })
  return { client, layer: Layer.succeed(HttpClient.HttpClient, client), sent, aborted }
}

function bodyOf(request: HttpClientRequest.HttpClientRequest): unknown {
  return request.body._tag === "Uint8Array" && request.body.contentType === "application/json"
    ? (JSON.parse(new TextDecoder().decode(request.body.body)) as unknown)
    : undefined
}

function perform(
  request: HttpClientRequest.HttpClientRequest,
  event: Event,
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> {
  if (event === "silence") return Effect.never
  if ("throws" in event) return Effect.die(event.throws)
  if ("fails" in event) {
    const { fails, message = fails, ...more } = event
    const cause = Object.assign(new Error(message), { code: fails }, more)
    return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
  }
  const init = { status: event.answer, headers: event.headers ?? {} }
  if ("cutAfter" in event) return respond(request, new Response(part(event.cutAfter, true), init))
  if ("stallsAfter" in event) {
    return respond(request, new Response(part(event.stallsAfter, false), init))
  }
  const { body } = event
  return respond(request, new Response(body === undefined ? null : textOf(body), init))
}

function textOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body)
}

function respond(
  request: HttpClientRequest.HttpClientRequest,
  response: Response,
): Effect.Effect<HttpClientResponse.HttpClientResponse> {
  return Effect.succeed(HttpClientResponse.fromWeb(request, response))
}

type SendDirect = DirectTransport["send"]
export type ResponseListener = Parameters<SendDirect>[1]

/** Adds a direct transport to a client, which still has its own way for uploads. */
export const addDirectTransport = (
  client: HttpClient.HttpClient,
  send: SendDirect,
): HttpClient.HttpClient => registerDirect(client, { headers: {}, send })

/** The same network for a client with a direct transport. */
export const directNetwork = (...script: ReadonlyArray<Event>): Network => {
  const net = network(...script)
  const { aborted, sent } = net
  const client = addDirectTransport(
    net.client,
    ({ body, headers, method, origin, path }, listener) => {
      const event = script[Math.min(sent.length, script.length - 1)] ?? "silence"
      const url = new URL(path, origin).toString()
      const json: unknown = body === null ? undefined : JSON.parse(body)
      sent.push({ method, url, headers: { ...headers }, body: json })
      emit(listener, event)
      return { abort: () => void aborted.count++ }
    },
  )
  return { ...net, client, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

/** What a connection fails with before a request can start. */
const connecting = /^(?:ECONNREFUSED|ENOTFOUND|CERT_HAS_EXPIRED|UND_ERR_CONNECT_TIMEOUT)$/

function emit(listener: ResponseListener, event: Event): void {
  if (event === "silence") {
    listener.onStart()
    return
  }
  if ("throws" in event) throw event.throws
  if ("fails" in event) {
    const { fails, message = fails, ...more } = event
    if (!connecting.test(fails)) listener.onStart()
    listener.onError(Object.assign(new Error(message), { code: fails }, more))
    return
  }
  queueMicrotask(() => {
    listener.onStart()
    listener.onHead(event.answer, event.headers ?? {})
    if ("cutAfter" in event) listener.onError(new Error("terminated"))
    else if ("body" in event) listener.onComplete(textOf(event.body))
    else if (!("stallsAfter" in event)) listener.onComplete("")
  })
}

/** The beginning of a body, and then an error, or nothing. */
function part(text: string, breaks: boolean): ReadableStream<Uint8Array> {
  let first = true
  return new ReadableStream({
    pull(controller) {
      if (first) {
        first = false
        controller.enqueue(new TextEncoder().encode(text))
        return undefined
      }
      if (breaks) controller.error(Object.assign(new Error("terminated"), { code: "ECONNRESET" }))
      return breaks ? undefined : new Promise(() => undefined)
    },
  })
}

/** An outcome, and whether the permit ended (`settle`) or another attempt follows (`again`). */
interface RecordedOutcome {
  readonly how: "settle" | "again"
  readonly outcome: Permit.Outcome
  readonly after: number | undefined
}

export interface RecordingLimiter {
  readonly layer: Layer.Layer<RateLimiter.RateLimiter>
  readonly outcomes: Array<RecordedOutcome>
  /** The options with which the requests waited. */
  readonly waitOptions: Array<Permit.WaitOptions>
  /** Outcomes reported outside of an attempt. */
  readonly outcomesAfterEnd: Array<RecordedOutcome>
  /** Permits that ended without an outcome. */
  readonly unsettled: { count: number }
}

/** Grants at once; `again` waits for the delay that it is given. */
export const recordingLimiter = (): RecordingLimiter => {
  const outcomes: Array<RecordedOutcome> = []
  const waitOptions: Array<Permit.WaitOptions> = []
  const outcomesAfterEnd: Array<RecordedOutcome> = []
  const unsettled = { count: 0 }
  const permitFor = (route: Route.Route): Permit.Permit & { readonly isOpen: () => boolean } => {
    let open = true
    const record = (one: RecordedOutcome): void => {
      ;(open ? outcomes : outcomesAfterEnd).push(one)
    }
    return {
      route,
      waited: () => 7,
      isOpen: () => open,
      settle: (outcome) =>
        Effect.sync(() => {
          record({ how: "settle", outcome, after: undefined })
          open = false
        }),
      retry: (outcome, after) =>
        Effect.suspend(() => {
          const pause = after === undefined ? 0 : Duration.toMillis(after)
          record({ how: "again", outcome, after: after === undefined ? undefined : pause })
          open = false
          return Effect.map(Effect.sleep(pause), () => {
            open = true
          })
        }),
    }
  }
  const layer = Layer.succeed(RateLimiter.RateLimiter, {
    wait: () => Effect.die("not used"),
    withPermit: <A, E, R>(
      route: Route.Route,
      options: Permit.WaitOptions,
      use: (permit: Permit.Permit) => Effect.Effect<A, E, R>,
    ): Effect.Effect<A, E, R> =>
      Effect.uninterruptibleMask((restore) => {
        waitOptions.push(options)
        const permit = permitFor(route)
        return Effect.ensuring(
          restore(use(permit)),
          Effect.sync(() => {
            if (permit.isOpen()) unsettled.count++
          }),
        )
      }),
    update: () => Effect.void,
    getBucket: () => Effect.succeed(Option.none()),
    estimate: () => Effect.succeed(Duration.seconds(5)),
    clear: () => Effect.void,
    snapshot: Effect.die("not used"),
  })
  return { layer, outcomes, waitOptions, outcomesAfterEnd, unsettled }
}

export const token = "s3cr3t-T0ken_with.every-kind_0f-character.abcdefghijklmnopqrstuvwxyz0123"

/** An operation of the webhook 42. */
export const withHook = <A>(
  operation: (hook: Webhook.Webhook) => Webhook.Operation<A>,
): Webhook.Operation<A> =>
  Effect.flatMap(Effect.orDie(Webhook.make({ id: "42", token })), operation)

/** What is different in a request. */
export type RequestChanges<A = void> = Partial<RestRequest<A>>

/** A request that sends nothing in particular: change what a test is about. */
export const request = <A = void>(changes: RequestChanges<A> = {}): RestRequest<A> => {
  const made = makeRequest<void>({
    route: Route.make({
      method: "POST",
      template: "/webhooks/{webhook.id}/{webhook.token}",
      webhookId: "42",
      tokenDigest: "d1g35t",
    }),
    token: Redacted.make(token),
    suffix: "",
    inThread: false,
    body: emptyBody,
    idempotent: false,
    success: ignoredBody,
  })
  return { ...made, ...changes } as RestRequest<A>
}

/** The `success` of a request whose result is the JSON of the response, whatever it is. */
export const anyJson: ResponseBody<unknown> = decodedBody((json) => Either.right(json))

/** Executes a request with these changes. */
export const executeRequest = <A = void>(changes: RequestChanges<A> = {}) =>
  execute(request(changes))
