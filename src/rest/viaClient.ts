/** An attempt by any `HttpClient`, in a fiber of its own, so that it can be given up in time. */
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpClientError } from "@effect/platform/HttpClientError"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { FileError } from "../error/WebhookError.js"
import type { Restore } from "../ratelimit/Permit.js"
import { within } from "./deadline.js"
import { headOf } from "./flight.js"
import type { Flight } from "./flight.js"
import { pathOf } from "./restRequest.js"
import type { Empty, Json, RestRequest } from "./restRequest.js"
import { defectOf } from "./scrub.js"
import { discreet } from "./settings.js"
import type { Settings } from "./settings.js"
import { classify, timedOut, withoutItsFile } from "./transport.js"

export function viaClient(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: Settings,
  restore: Restore,
  flight: Flight,
): Effect.Effect<void> {
  const { body } = request
  const careful = discreet(client)
  const exchange = Effect.catchAllCause(
    body._tag === "Upload"
      ? body.lend((bytes) => exchanged(careful, request, bytes, settings, flight))
      : exchanged(careful, request, httpBodyOf(body), settings, flight),
    (cause) => note(cause, request, flight),
  )
  return within(exchange, timeoutOf(body, settings), restore, () => {
    flight.failure = timedOut
  })
}

function httpBodyOf(body: Empty | Json): HttpBody.HttpBody {
  return body._tag === "Json" ? HttpBody.text(body.text, "application/json") : HttpBody.empty
}

function exchanged(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  body: HttpBody.HttpBody,
  settings: Settings,
  flight: Flight,
): Effect.Effect<void, HttpClientError> {
  return Effect.matchEffect(
    Effect.suspend(() => {
      flight.begun = true
      return client.execute(toHttp(request, body, settings))
    }),
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
  const head = headOf(response.status, response.headers, request.token)
  flight.answer = head
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
    onSome: (defect) => Effect.die(defectOf(defect, request.token)),
  })
}

function toHttp(
  request: RestRequest<unknown>,
  body: HttpBody.HttpBody,
  settings: Settings,
): HttpClientRequest.HttpClientRequest {
  return HttpClientRequest.make(request.route.method)(settings.baseUrl + pathOf(request), {
    headers: headersFor(request, settings),
    body,
  })
}

function headersFor(request: RestRequest<unknown>, settings: Settings): Headers.Headers {
  return request.headers === undefined
    ? settings.headers
    : Headers.setAll(settings.headers, request.headers)
}
