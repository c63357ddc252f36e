/** One attempt: a request goes out, and an answer, a part of one, or nothing comes back. */
import * as Headers from "@effect/platform/Headers"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientError } from "@effect/platform/HttpClientError"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Restore } from "../ratelimit/Permit.js"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import { within } from "./deadline.js"
import type { RawAnswer } from "./interpret.js"
import type { RestRequest } from "./restRequest.js"
import { scrub } from "./scrub.js"
import type { Settings } from "./settings.js"
import { classify, timedOut } from "./transport.js"
import type { TransportFailure } from "./transport.js"

/**
 * What is known of an attempt while it runs: `answer` once its head has arrived, `failure` once the
 * connection has. It outlives an interruption, so that the limiter still learns from the head.
 */
export interface Flight {
  answer: RawAnswer | undefined
  failure: TransportFailure | undefined
}

/**
 * Never fails: what happened is in the flight. Interruption, possible where `restore` makes it so,
 * aborts the connection.
 */
export function attempt(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: Settings,
  restore: Restore,
  flight: Flight,
): Effect.Effect<void> {
  const exchange = Effect.suspend(() => client.execute(toHttp(request, settings))).pipe(
    Effect.catchAll(refusedByFilter),
    Effect.flatMap((response) => read(response, request, flight)),
    Effect.catchAllCause((cause) => note(cause, request, flight)),
  )
  return within(exchange, settings.timeout, restore, () => {
    flight.failure = timedOut
  })
}

/** A client of the user's that fails on a status (`filterStatusOk`) has an answer all the same. */
function refusedByFilter(
  error: HttpClientError,
): Effect.Effect<HttpClientResponse, HttpClientError> {
  return error._tag === "ResponseError" ? Effect.succeed(error.response) : Effect.fail(error)
}

function read(
  response: HttpClientResponse,
  request: RestRequest<unknown>,
  flight: Flight,
): Effect.Effect<void, HttpClientError> {
  const head = { status: response.status, headers: headersOf(response.headers, request) }
  flight.answer = { ...head, body: undefined }
  return Effect.map(response.text, (body) => {
    flight.answer = { ...head, body }
  })
}

function note(
  cause: Cause.Cause<HttpClientError>,
  request: RestRequest<unknown>,
  flight: Flight,
): Effect.Effect<void> {
  const failed = Cause.failureOrCause(cause)
  if (failed._tag === "Left") {
    flight.failure = classify(failed.left)
    return Effect.void
  }
  return Option.match(Cause.dieOption(failed.right), {
    onNone: () => Effect.failCause(failed.right),
    onSome: (defect) => Effect.die(withoutToken(defect, request.token)),
  })
}

function toHttp(
  request: RestRequest<unknown>,
  settings: Settings,
): HttpClientRequest.HttpClientRequest {
  return HttpClientRequest.make(request.route.method)(
    settings.baseUrl + Redacted.value(request.path),
    { headers: headersFor(request, settings), body: request.body },
  )
}

function headersFor(request: RestRequest<unknown>, settings: Settings): Headers.Headers {
  return request.headers === undefined
    ? settings.headers
    : Headers.setAll(settings.headers, request.headers)
}

/** A proxy may name its buckets after the URL. Discord's own names are too short for a token. */
function headersOf(
  headers: Readonly<Record<string, string | undefined>>,
  { token }: RestRequest<unknown>,
): RateLimitHeaders.RateLimitHeaders {
  const parsed = RateLimitHeaders.parse(headers)
  return parsed.bucket !== undefined && parsed.bucket.length >= Redacted.value(token).length
    ? { ...parsed, bucket: scrub(parsed.bucket, token) }
    : parsed
}

/** A client that throws is a bug to see, but its error may hold the URL. */
function withoutToken(defect: unknown, token: Redacted.Redacted): Error {
  const pretty = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return new Error(`the HttpClient threw ${scrub(pretty, token)}`)
}
