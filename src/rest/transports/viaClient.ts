/**
 * Sends attempts by any `HttpClient`, each in its own fiber, so that it can be interrupted on
 * timeout.
 */
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
import { parseHead, type AttemptState, type Restore } from "../attempt.js"
import { classifyFetchRejection, fetchCall, hardenClient } from "../hardenClient.js"
import { getPath, getTimeout, isBrowser } from "../request.js"
import type { EmptyBody, JsonBody, ResolvedConfig, RestRequest } from "../request.js"
import { sanitizeDefect } from "../sanitize.js"
import { runWithTimeout } from "../timeouts.js"
import {
  classifyError,
  makeFileFailure,
  maxBodySize,
  noConnection,
  timedOut,
  tooLarge,
  withDelivered,
} from "../transportErrors.js"
import type { TransportFailure } from "../transportErrors.js"
import { decodeText, getDirect, RequestStart } from "./direct.js"

export function sendWithClient(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: ResolvedConfig,
  restore: Restore,
  state: AttemptState,
): Effect.Effect<void> {
  const { body } = request
  const hardened = hardenClient(client)
  const reportsStart = getDirect(client) !== undefined
  const run = (restart: (limit: Duration.Duration) => void): Effect.Effect<void> => {
    const onStart = (): void => {
      state.started = true
      restart(getTimeout(request, settings))
    }
    const send = (bytes: HttpBody.HttpBody): Effect.Effect<void, HttpClientError> => {
      const sent = exchange(hardened, request, bytes, settings, state)
      return reportsStart
        ? Effect.provideService(sent, RequestStart, onStart)
        : // Any other client may send as soon as it has the request.
          Effect.zipRight(Effect.sync(onStart), sent)
    }
    return Effect.catchAllCause(
      body._tag === "Upload" ? body.withBody(send) : send(toHttpBody(body)),
      (cause) => recordFailure(cause, request, state, reportsStart),
    )
  }
  return runWithTimeout(run, settings.connectionTimeout, restore, () => {
    state.failure = state.started ? timedOut : noConnection
  })
}

function toHttpBody(body: EmptyBody | JsonBody): HttpBody.HttpBody {
  return body._tag === "Json" ? HttpBody.text(body.text, "application/json") : HttpBody.empty
}

function exchange(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  body: HttpBody.HttpBody,
  settings: ResolvedConfig,
  state: AttemptState,
): Effect.Effect<void, HttpClientError> {
  return Effect.matchEffect(client.execute(toHttpRequest(request, body, settings)), {
    // A client of the program that fails on a status (`filterStatusOk`) has a response as well.
    onFailure: (error) =>
      error._tag === "ResponseError"
        ? readResponse(error.response, request, state)
        : Effect.fail(error),
    onSuccess: (response) => readResponse(response, request, state),
  })
}

function readResponse(
  response: HttpClientResponse,
  request: RestRequest<unknown>,
  state: AttemptState,
): Effect.Effect<void, HttpClientError> {
  const head = parseHead(response.status, response.headers, request.token)
  state.response = head
  return Effect.map(readText(response), (body) => {
    if (body === undefined) state.failure = tooLarge
    else state.response = { ...head, body }
  })
}

/** Returns `undefined` if the body is too large; the connection is then closed. */
function readText(response: HttpClientResponse): Effect.Effect<string | undefined, ResponseError> {
  return isWithinLimit(response)
    ? response.text
    : Effect.flatMap(FiberRef.get(fetchCall), ({ isBounded }) =>
        isBounded ? response.text : readBoundedText(response),
      )
}

type Pull<A = never> = Effect.Effect<A, Option.Option<ResponseError>>

/** No client reads more than the Content-Length; compressed bodies may become larger. */
function isWithinLimit({ headers, status }: HttpClientResponse): boolean {
  if (status === 204) return true
  const length = headers["content-length"]
  const isPlain = headers["content-encoding"] === undefined && !isBrowser()
  return isPlain && length !== undefined && Number(length) <= maxBodySize
}

function readBoundedText(
  response: HttpClientResponse,
): Effect.Effect<string | undefined, ResponseError> {
  return Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    // `Stream.run...` takes a fiber, which doubles the cost, and logs its failure, which contains
    // the URL.
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
            Effect.succeed(size <= maxBodySize ? decodeText(chunks) : undefined)
          : Effect.fail(end.value),
      ),
    )
  })
}

function recordFailure(
  cause: Cause.Cause<HttpClientError | WebhookFileError>,
  request: RestRequest<unknown>,
  state: AttemptState,
  reportsStart: boolean,
): Effect.Effect<void> {
  const failed = Cause.failureOrCause(cause)
  if (failed._tag === "Left") {
    return Effect.map(toFailure(failed.left), (failure) => {
      state.failure = reportsStart ? withDelivered(failure, state.started) : failure
    })
  }
  return Option.match(Cause.dieOption(failed.right), {
    onNone: () => Effect.failCause(failed.right),
    onSome: (defect) => Effect.die(sanitizeDefect(defect, request.token)),
  })
}

function toFailure(error: HttpClientError | WebhookFileError): Effect.Effect<TransportFailure> {
  if (error._tag === "WebhookFileError") return Effect.succeed(makeFileFailure(error))
  if (error._tag === "ResponseError") return Effect.succeed(classifyError(error))
  return Effect.map(
    FiberRef.get(fetchCall),
    ({ init }) => classifyFetchRejection(error, init) ?? classifyError(error),
  )
}

function toHttpRequest(
  request: RestRequest<unknown>,
  body: HttpBody.HttpBody,
  settings: ResolvedConfig,
): HttpClientRequest.HttpClientRequest {
  return HttpClientRequest.make(request.route.method)(settings.baseUrl + getPath(request), {
    headers: getHeaders(request, settings),
    body,
  })
}

function getHeaders(request: RestRequest<unknown>, settings: ResolvedConfig): Headers.Headers {
  return request.headers === undefined
    ? settings.headers
    : Headers.setAll(settings.headers, request.headers)
}
