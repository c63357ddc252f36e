/** An attempt by any `HttpClient`, in a fiber of its own, so that it can be given up in time. */
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import type * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientError, ResponseError } from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { WebhookFileError } from "../../error/WebhookError.js"
import { headOf } from "../attempt.js"
import type { Flight, Restore } from "../attempt.js"
import { discreet, fetchInit, rejectedByFetch } from "../hardenClient.js"
import { pathOf } from "../request.js"
import type { Empty, Json, RestRequest } from "../request.js"
import { isBrowser, timeoutOf } from "../resolvedConfig.js"
import type { Settings } from "../resolvedConfig.js"
import { defectOf } from "../sanitize.js"
import { within } from "../timeouts.js"
import {
  classify,
  deliveredBy,
  noConnection,
  timedOut,
  tooLarge,
  withoutItsFile,
} from "../transportErrors.js"
import type { TransportFailure } from "../transportErrors.js"
import { directOf, RequestStart } from "./direct.js"
import { maxBodySize, textOf as decode } from "./responseBody.js"

export function viaClient(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: Settings,
  restore: Restore,
  flight: Flight,
): Effect.Effect<void> {
  const { body } = request
  const careful = discreet(client)
  const reportsStart = directOf(client) !== undefined
  const exchange = (restart: (limit: Duration.Duration) => void): Effect.Effect<void> => {
    const onStart = (): void => {
      flight.begun = true
      restart(timeoutOf(request, settings))
    }
    const send = (bytes: HttpBody.HttpBody): Effect.Effect<void, HttpClientError> => {
      const sent = exchanged(careful, request, bytes, settings, flight)
      return reportsStart
        ? Effect.provideService(sent, RequestStart, onStart)
        : // Any other client may send as soon as it has the request.
          Effect.zipRight(Effect.sync(onStart), sent)
    }
    return Effect.catchAllCause(
      body._tag === "Upload" ? body.lend(send) : send(httpBodyOf(body)),
      (cause) => note(cause, request, flight, reportsStart),
    )
  }
  return within(exchange, settings.connectionTimeout, restore, () => {
    flight.failure = flight.begun ? timedOut : noConnection
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
  return Effect.matchEffect(client.execute(toHttp(request, body, settings)), {
    // A client of the user's that fails on a status (`filterStatusOk`) has an answer all the same.
    onFailure: (error) =>
      error._tag === "ResponseError" ? read(error.response, request, flight) : Effect.fail(error),
    onSuccess: (response) => read(response, request, flight),
  })
}

function read(
  response: HttpClientResponse,
  request: RestRequest<unknown>,
  flight: Flight,
): Effect.Effect<void, HttpClientError> {
  const head = headOf(response.status, response.headers, request.token)
  flight.answer = head
  return Effect.map(textOf(response), (body) => {
    if (body === undefined) flight.failure = tooLarge
    else flight.answer = { ...head, body }
  })
}

/** `undefined`: it is longer than the limit, and the connection was given up there. */
function textOf(response: HttpClientResponse): Effect.Effect<string | undefined, ResponseError> {
  return isShort(response) ? response.text : boundedText(response)
}

type Pull<A = never> = Effect.Effect<A, Option.Option<ResponseError>>

/** No client reads more than a Content-Length says; what is compressed may become more. */
function isShort({ headers, status }: HttpClientResponse): boolean {
  if (status === 204) return true
  const length = headers["content-length"]
  const isPlain = headers["content-encoding"] === undefined && !isBrowser()
  return isPlain && length !== undefined && Number(length) <= maxBodySize
}

function boundedText(
  response: HttpClientResponse,
): Effect.Effect<string | undefined, ResponseError> {
  return Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    // `Stream.run...` takes a fiber, which costs twice as much, and logs what it fails with: it
    // holds the URL.
    const drain = (pull: Pull<Iterable<Uint8Array>>): Pull =>
      Effect.flatMap(pull, (part) => {
        for (const chunk of part) {
          chunks.push(chunk)
          size += chunk.byteLength
        }
        return size <= maxBodySize ? drain(pull) : Effect.fail(Option.none())
      })
    return Effect.scoped(Effect.flatMap(Stream.toPull(response.stream), drain)).pipe(
      Effect.catchAll((end) =>
        Option.isNone(end) || end.value.reason === "EmptyBody"
          ? // The platform has no stream for a response without a body.
            Effect.succeed(size <= maxBodySize ? decode(chunks) : undefined)
          : Effect.fail(end.value),
      ),
    )
  })
}

function note(
  cause: Cause.Cause<HttpClientError | WebhookFileError>,
  request: RestRequest<unknown>,
  flight: Flight,
  reportsStart: boolean,
): Effect.Effect<void> {
  const failed = Cause.failureOrCause(cause)
  if (failed._tag === "Left") {
    return Effect.map(failureOf(failed.left), (failure) => {
      flight.failure = reportsStart ? deliveredBy(failure, flight.begun) : failure
    })
  }
  return Option.match(Cause.dieOption(failed.right), {
    onNone: () => Effect.failCause(failed.right),
    onSome: (defect) => Effect.die(defectOf(defect, request.token)),
  })
}

function failureOf(error: HttpClientError | WebhookFileError): Effect.Effect<TransportFailure> {
  if (error._tag === "WebhookFileError") return Effect.succeed(withoutItsFile(error))
  if (error._tag === "ResponseError") return Effect.succeed(classify(error))
  return Effect.map(
    FiberRef.get(fetchInit),
    (init) => rejectedByFetch(error, init) ?? classify(error),
  )
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
