import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { serializeResponse } from "../faults.js"
import { runExchange, type Exchange } from "../handle.js"
import type { SimulatedRequest, SimulatedResponse } from "../http/exchange.js"
import type { State } from "../state.js"

/** An `HttpClient` connected to the simulator. Hosts other than Discord's are not found. */
export const makeHttpClient = (state: State): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    if (!isDiscordUrl(state, url)) {
      return failTransport(request, "ENOTFOUND", `getaddrinfo ENOTFOUND ${url.hostname}`)
    }
    return Effect.flatMap(readClientRequest(request, url), (simulated) =>
      Effect.flatMap(runExchange(state, simulated), (result) => deliverToClient(request, result)),
    )
  })

const discordHost = /^(?:(?:[a-z0-9-]+\.)?(?:discord|discordapp)\.com|media\.discordapp\.net)$/

function isDiscordUrl(state: State, url: URL): boolean {
  const simulated = [state.config.origin, state.cdn.origin]
  return (
    discordHost.test(url.hostname) ||
    simulated.some((origin) => url.origin === new URL(origin).origin)
  )
}

function readClientRequest(
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
): Effect.Effect<SimulatedRequest, HttpClientError.RequestError> {
  return Effect.map(readBody(request), ({ body, contentType }) => ({
    method: request.method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers:
      contentType === undefined
        ? request.headers
        : { "content-type": contentType, ...request.headers },
    body,
  }))
}

interface ReadBody {
  readonly body: Uint8Array | undefined
  readonly contentType: string | undefined
}

function readBody(
  request: HttpClientRequest.HttpClientRequest,
): Effect.Effect<ReadBody, HttpClientError.RequestError> {
  const { body } = request
  const encodeError = (cause: unknown) =>
    new HttpClientError.RequestError({ request, reason: "Encode", cause })
  if (body._tag === "Empty") return Effect.succeed({ body: undefined, contentType: undefined })
  if (body._tag === "Uint8Array") {
    return Effect.succeed({ body: body.body, contentType: body.contentType })
  }
  if (body._tag === "Stream") {
    return body.stream.pipe(
      Stream.mapError(encodeError),
      Stream.runCollect,
      Effect.map((chunks) => ({ body: concatBytes(chunks), contentType: body.contentType })),
    )
  }
  return Effect.tryPromise({ try: () => readWebBody(body), catch: encodeError })
}

/** Serializes a raw body with `Response`, as `fetch` does. */
async function readWebBody(body: HttpBody.Raw | HttpBody.FormData): Promise<ReadBody> {
  const web = new Response(body._tag === "FormData" ? body.formData : toBodyInit(body.body))
  return {
    body: new Uint8Array(await web.arrayBuffer()),
    contentType: body.contentType ?? web.headers.get("content-type") ?? undefined,
  }
}

/** The bodies that `fetch` accepts, except Node streams. */
function toBodyInit(body: unknown): BodyInit {
  if (typeof body === "string" || body instanceof Blob || body instanceof FormData) return body
  if (body instanceof URLSearchParams || body instanceof ArrayBuffer) return body
  if (body instanceof ReadableStream) return body
  throw new TypeError("DiscordSimulator cannot read a raw body of this type")
}

function concatBytes(chunks: Chunk.Chunk<Uint8Array>): Uint8Array {
  const bytes = new Uint8Array(Chunk.reduce(chunks, 0, (sum, chunk) => sum + chunk.length))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/** Converts an exchange to a response. Connection faults fail with the error codes of Node, as undici reports them. */
function deliverToClient(
  request: HttpClientRequest.HttpClientRequest,
  { outcome, response }: Exchange,
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> {
  if (outcome === "refused") {
    return failTransport(request, "ECONNREFUSED", "connect ECONNREFUSED")
  }
  if (response === undefined) return failTransport(request, "ECONNRESET", "read ECONNRESET")
  return Effect.sync(() =>
    HttpClientResponse.fromWeb(request, makeWebResponse(response, outcome === "truncated")),
  )
}

/** Statuses without a body. */
const bodilessStatuses = new Set([204, 205, 304])

function makeWebResponse(response: SimulatedResponse, isCut: boolean): Response {
  const { status, headers, body } = serializeResponse(response)
  const init = { status, headers }
  if (isCut) return new Response(makeTruncatedStream(body), init)
  // A copy: the type of `body` may be over a SharedArrayBuffer, which a `Response` does not take.
  const content = typeof body === "string" ? body : body.slice()
  return new Response(content === "" || bodilessStatuses.has(status) ? null : content, init)
}

/** A stream of half the body that then fails with a connection error. */
function makeTruncatedStream(body: string | Uint8Array): ReadableStream<Uint8Array> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
  let isFirst = true
  return new ReadableStream({
    pull(controller) {
      if (isFirst) controller.enqueue(bytes.slice(0, Math.ceil(bytes.length / 2)))
      else controller.error(makeCodedError("ECONNRESET", "terminated"))
      isFirst = false
    },
  })
}

function failTransport(
  request: HttpClientRequest.HttpClientRequest,
  code: string,
  message: string,
): Effect.Effect<never, HttpClientError.RequestError> {
  return Effect.suspend(() =>
    Effect.fail(
      new HttpClientError.RequestError({
        request,
        reason: "Transport",
        cause: makeCodedError(code, message),
      }),
    ),
  )
}

function makeCodedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
