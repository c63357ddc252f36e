/** One attempt: a request goes out, and an answer, a part of one, or nothing comes back. */
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientError } from "@effect/platform/HttpClientError"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { FileError } from "../error/WebhookError.js"
import type { Restore } from "../ratelimit/Permit.js"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import { within } from "./deadline.js"
import type { RawAnswer } from "./interpret.js"
import type { RestRequest } from "./restRequest.js"
import { scrub } from "./scrub.js"
import type { Settings } from "./settings.js"
import { classify, timedOut, withoutItsFile } from "./transport.js"
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
  const { body } = request
  const exchange = Effect.catchAllCause(
    body._tag === "Upload"
      ? body.lend((bytes) => exchanged(client, request, bytes, settings, flight))
      : exchanged(client, request, body, settings, flight),
    (cause) => note(cause, request, flight),
  )
  return within(exchange, timeoutOf(body, settings), restore, () => {
    flight.failure = timedOut
  })
}

function exchanged(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  body: HttpBody.HttpBody,
  settings: Settings,
  flight: Flight,
): Effect.Effect<void, HttpClientError> {
  return Effect.matchEffect(
    Effect.suspend(() => client.execute(toHttp(request, body, settings))),
    {
      // A client of the user's that fails on a status (`filterStatusOk`) has an answer all the same.
      onFailure: (error) =>
        error._tag === "ResponseError" ? read(error.response, request, flight) : Effect.fail(error),
      onSuccess: (response) => read(response, request, flight),
    },
  )
}

/** Bytes a second that the slowest line in use carries: about a megabit. */
const slowest = 128 * 1024

function timeoutOf(body: RestRequest<unknown>["body"], settings: Settings): Duration.Duration {
  return body._tag === "Upload"
    ? Duration.sum(settings.timeout, Duration.seconds(Math.ceil(body.size / slowest)))
    : settings.timeout
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
  cause: Cause.Cause<HttpClientError | FileError>,
  request: RestRequest<unknown>,
  flight: Flight,
): Effect.Effect<void> {
  const failed = Cause.failureOrCause(cause)
  if (failed._tag === "Left") {
    const error = failed.left
    flight.failure = error._tag === "FileError" ? withoutItsFile(error) : classify(error)
    return Effect.void
  }
  return Option.match(Cause.dieOption(failed.right), {
    onNone: () => Effect.failCause(failed.right),
    onSome: (defect) => Effect.die(withoutToken(defect, request.token)),
  })
}

function toHttp(
  request: RestRequest<unknown>,
  body: HttpBody.HttpBody,
  settings: Settings,
): HttpClientRequest.HttpClientRequest {
  return HttpClientRequest.make(request.route.method)(
    settings.baseUrl + Redacted.value(request.path),
    { headers: headersFor(request, settings), body },
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
