/**
 * Sends attempts by any `HttpClient`, each in its own fiber, so that it can be interrupted on
 * timeout. The client is prepared for requests whose URL contains a token: without a span of its own,
 * without redirects, and with workarounds for `fetch`.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientError, RequestError, ResponseError } from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { WebhookFileError } from "../../error/WebhookError.js"
import { parseHead, type AttemptState, type Restore } from "../attempt.js"
import { getPath, getTimeout, isBrowser } from "../request.js"
import type { EmptyBody, JsonBody, ResolvedConfig, RestRequest } from "../request.js"
import { sanitizeDefect, tryRead } from "../sanitize.js"
import { runWithTimeout } from "../timeouts.js"
import {
  BodyTooLarge,
  classifyError,
  makeFileFailure,
  maxBodySize,
  noConnection,
  timedOut,
  tooLarge,
  unsendable,
  withDelivered,
} from "../transportErrors.js"
import type { TransportFailure } from "../transportErrors.js"
import { decodeText, getDirect, RequestStart } from "./direct.js"

/** The call of `fetch` in an attempt. */
interface FetchCall {
  /** Its options; those of the client's layer are visible only there. */
  readonly init: RequestInit
  /** Whether the body of the response fails if it is too large. */
  isBounded: boolean
}

const fetchCall = FiberRef.unsafeMake<FetchCall>({
  init: {},
  isBounded: false,
})

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

const hardenedClients = new WeakMap<HttpClient.HttpClient, HttpClient.HttpClient>()

/**
 * Disables what would reveal the token: the client's own span contains the URL, and a redirect
 * would send it elsewhere. Without the span no trace headers are sent to Discord either.
 *
 * `fetch` follows redirects by default, and takes its options from the context. They are added
 * where the context of the client's layer is visible, so that its own options stay. Both changes
 * end with the attempt, which runs in its own fiber.
 */
const setRules = (init: RequestInit) =>
  Effect.zipRight(
    FiberRef.set(HttpClient.currentTracerDisabledWhen, () => true),
    Effect.flatMap(FiberRef.get(FiberRef.currentContext), (context) => {
      const given = Context.getOption(context, FetchHttpClient.RequestInit)
      const merged = { ...Option.getOrUndefined(given), ...init }
      const call: FetchCall = { init: merged, isBounded: false }
      return Effect.zipRight(
        FiberRef.set(fetchCall, call),
        FiberRef.set(
          FiberRef.currentContext,
          Context.add(wrapFetch(context, call), FetchHttpClient.RequestInit, merged),
        ),
      )
    }),
  )

const returnRedirects = setRules({ redirect: "manual" })

/**
 * `fetch` copies a body to be able to repeat it, after a redirect or an authentication prompt; with
 * both disabled it does not. In runtimes without `redirect: "error"` a redirect is a response,
 * which becomes an error as well.
 */
const failOnRedirects = setRules({ redirect: "error", window: null })

/** Returns the client for attempts, each of which must run in its own fiber. */
function hardenClient(client: HttpClient.HttpClient): HttpClient.HttpClient {
  const found = hardenedClients.get(client)
  if (found !== undefined) return found
  const made = HttpClient.mapRequestEffect(client, (request) => {
    const fails = request.body._tag === "Stream" && supportsRedirectError()
    return Effect.as(fails ? failOnRedirects : returnRedirects, request)
  })
  hardenedClients.set(client, made)
  return made
}

type Fetch = typeof globalThis.fetch

/**
 * Adds a `fetch` to the context that drops Content-Length, which it computes itself, and bounds the body.
 * `FetchHttpClient` before platform 0.97 passes the header of the request as well, and Node's
 * `fetch` rejects the pair ("invalid content-length header") if a recent undici is loaded, which
 * `@effect/platform-node` does.
 */
function wrapFetch<R>(
  context: Context.Context<R>,
  call: FetchCall,
): Context.Context<R | FetchHttpClient.Fetch> {
  const given = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.Fetch))
  const wrapped: Fetch = (input, init) => {
    // FetchHttpClient's own default, looked up as late as it does.
    // oxlint-disable-next-line no-restricted-globals
    const original = given ?? globalThis.fetch
    return original(input, init && hasContentLength(init) ? stripContentLength(init) : init).then(
      (response) => {
        const { body } = response
        if (typeof body?.getReader === "function") {
          response.text = () => readBounded(body)
          call.isBounded = true
        }
        return response
      },
    )
  }
  return Context.add(context, FetchHttpClient.Fetch, wrapped)
}

/**
 * Reads a body like `text()`, which has no limit. The stream of `HttpClientResponse` would be a third of
 * the processor time of a request.
 */
function readBounded(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader()
  const chunks: Array<Uint8Array> = []
  let size = 0
  const readOn = (): Promise<string> =>
    reader.read().then(({ value }) => {
      if (value === undefined) return decodeText(chunks)
      chunks.push(value)
      size += value.byteLength
      if (size <= maxBodySize) return readOn()
      const error = new BodyTooLarge()
      void reader.cancel(error).catch(constVoid)
      throw error
    })
  return readOn()
}

function hasContentLength({ headers }: RequestInit): boolean {
  return typeof headers === "object" && "content-length" in headers
}

function stripContentLength(init: RequestInit): RequestInit {
  const headers = new globalThis.Headers(init.headers)
  headers.delete("content-length")
  return { ...init, headers }
}

/** Error messages of undici ("Body is unusable", "disturbed or locked"), workerd and browsers. */
const unusableBody =
  /\b(?:body is unusable|used body|already been used|disturbed or locked|is locked)\b/i

/** Cloudflare Workers reject the option: the upload would fail without a request. */
export function supportsRedirectError(): boolean {
  return tryRequest("https://discord.com", { redirect: "error" }) !== undefined
}

/**
 * Returns the failure if `fetch` rejected its arguments, so that nothing was sent. On most runtimes
 * a network failure is a `TypeError` as well, so the arguments are passed to `Request`, which
 * rejects them, too. A body cannot be passed twice; its errors are recognized by their messages.
 */
export function classifyFetchRejection(
  { cause, request }: RequestError,
  init: RequestInit,
): TransportFailure | undefined {
  const message = tryRead(() => (cause instanceof TypeError ? cause.message : undefined))
  if (message === undefined) return undefined
  const { headers, method, url } = request
  // In a browser, a URL may be relative to the page.
  const resolved = tryRequest(url, {})?.url ?? ""
  if (!/^https?:/.test(resolved)) return unsendable("invalidUrl")
  return unusableBody.test(message) || tryRequest(url, { ...init, headers, method }) === undefined
    ? unsendable("encode")
    : undefined
}

function tryRequest(url: string, init: RequestInit): Request | undefined {
  try {
    return new Request(url, init)
  } catch {
    return undefined
  }
}
