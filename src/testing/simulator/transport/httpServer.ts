import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { serializeResponse } from "../faults.js"
import { runExchange, type Exchange } from "../handle.js"
import type { SimulatedRequest, SimulatedResponse } from "../http/exchange.js"
import type { State } from "../state.js"

/**
 * Serves the simulator until the scope closes. Tracing is disabled, because URLs contain tokens.
 */
export const serveHttp = (
  state: State,
): Effect.Effect<
  { readonly origin: string; readonly baseUrl: string },
  never,
  HttpServer.HttpServer | Scope.Scope
> =>
  Effect.gen(function* () {
    const server = yield* HttpServer.HttpServer
    const open: OpenConnections = new Set()
    yield* server
      .serve(allowBrowsers(makeHttpApp(state, open)))
      .pipe(HttpMiddleware.withTracerDisabledWhenEffect(() => true))
    // A server closes after its connections, so those with a pending request are reset.
    yield* Effect.addFinalizer(() => Effect.sync(() => open.forEach((cut) => cut())))
    const origin = yield* getOrigin(server.address)
    yield* serveFiles(state, origin)
    return { origin, baseUrl: `${origin}/api/v10` }
  })

/** Makes the server the host of attachment URLs until the scope closes. */
function serveFiles(state: State, origin: string): Effect.Effect<void, never, Scope.Scope> {
  return Effect.acquireRelease(
    Effect.sync(() => {
      const before = state.cdn
      state.cdn = { origin, proxyOrigin: origin }
      return before
    }),
    (before) => Effect.sync(() => void (state.cdn = before)),
  )
}

function getOrigin(address: HttpServer.Address): Effect.Effect<string> {
  if (address._tag === "UnixAddress") {
    return Effect.dieMessage("DiscordSimulator.serve requires a TCP port, not a Unix socket")
  }
  const { hostname, port } = address
  return Effect.succeed(`http://${hostname === "0.0.0.0" ? "127.0.0.1" : hostname}:${port}`)
}

/** The reset functions of connections with a pending request. */
type OpenConnections = Set<() => void>

/** The simulator as an HTTP app, on a socket and in real time. */
function makeHttpApp(state: State, open: OpenConnections): HttpApp.Default {
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const cut = makeSocketControl(request)
    const respond = readServerRequest(request).pipe(
      Effect.flatMap((simulated) => runExchange(state, simulated)),
      Effect.flatMap((result) => deliverToSocket(result, cut)),
      // A client that disconnects during its request gets no response.
      Effect.catchAll(() => Effect.never),
    )
    return Effect.acquireUseRelease(
      Effect.sync(() => open.add(cut.reset)),
      () => Effect.interruptible(respond),
      () => Effect.sync(() => open.delete(cut.reset)),
    )
  })
}

function readServerRequest(request: HttpServerRequest.HttpServerRequest) {
  const url = new URL(request.url, "http://localhost")
  return request.arrayBuffer.pipe(
    HttpIncomingMessage.withMaxBodySize(Option.none()),
    Effect.map((buffer): SimulatedRequest => ({
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: buffer.byteLength === 0 ? undefined : new Uint8Array(buffer),
    })),
  )
}

function deliverToSocket(
  { outcome, response }: Exchange,
  cut: SocketControl,
): Effect.Effect<HttpServerResponse.HttpServerResponse> {
  if (response === undefined) return Effect.zipRight(Effect.sync(cut.reset), Effect.never)
  return Effect.sync(() =>
    outcome === "truncated" ? makeTruncatedResponse(response, cut) : makeResponse(response),
  )
}

function makeResponse(response: SimulatedResponse): HttpServerResponse.HttpServerResponse {
  const { status, headers, body } = serializeResponse(response)
  if (body === "") return HttpServerResponse.empty({ status, headers })
  const options = { status, headers, contentType: headers["content-type"] }
  return typeof body === "string"
    ? HttpServerResponse.text(body, options)
    : HttpServerResponse.uint8Array(body, options)
}

/** Declares the length of the whole body, sends half of it, and closes the connection. */
function makeTruncatedResponse(
  response: SimulatedResponse,
  cut: SocketControl,
): HttpServerResponse.HttpServerResponse {
  const { status, headers, body } = serializeResponse(response)
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
  const half = Stream.make(bytes.slice(0, Math.ceil(bytes.length / 2)))
  const close = Stream.fromEffect(Effect.zipRight(Effect.sync(cut.close), Effect.never))
  return HttpServerResponse.stream(Stream.concat(half, close), {
    status,
    headers,
    contentType: headers["content-type"],
    contentLength: bytes.length,
  })
}

interface SocketControl {
  /** Closes the connection immediately (TCP RST if the platform supports it). */
  readonly reset: () => void
  /** Closes the connection after pending writes. */
  readonly close: () => void
}

interface SocketLike {
  readonly destroy: () => unknown
  readonly destroySoon?: () => unknown
  readonly resetAndDestroy?: () => unknown
}

/**
 * `HttpServer` cannot close a connection: a failing body ends as if it were complete. On Node the
 * request's source is an `IncomingMessage`, whose socket can be destroyed.
 */
function makeSocketControl(request: HttpServerRequest.HttpServerRequest): SocketControl {
  const socket = getSocket(request.source)
  return {
    reset: () => (socket?.resetAndDestroy ?? socket?.destroy)?.call(socket),
    // `destroy` would discard pending writes, including the header.
    close: () => (socket?.destroySoon ?? socket?.destroy)?.call(socket),
  }
}

function getSocket(source: unknown): SocketLike | undefined {
  const socket = hasSocket(source) ? source.socket : undefined
  return typeof socket?.destroy === "function" ? socket : undefined
}

function hasSocket(source: unknown): source is { readonly socket: SocketLike | undefined } {
  return typeof source === "object" && source !== null && "socket" in source
}

/** The header names of Discord's responses. */
const corsOptions = {
  allowedMethods: ["POST", "GET", "PUT", "PATCH", "DELETE"],
  allowedHeaders: [
    "Content-Type",
    "Authorization",
    "X-Audit-Log-Reason",
    "X-Track",
    "X-Super-Properties",
    "X-Context-Properties",
    "X-Failed-Requests",
    "X-Fingerprint",
    "X-RPC-Proxy",
    "X-Discord-Locale",
    "X-Debug-Options",
    "x-client-trace-id",
    "If-None-Match",
    "Range",
    "X-RateLimit-Precision",
  ],
  exposedHeaders: [
    "Retry-After",
    "X-RateLimit-Global",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Reset-After",
    "X-RateLimit-Bucket",
    "X-RateLimit-Scope",
    "Date",
  ],
  credentials: true,
}

/**
 * Lets browsers call the API from any page and read its rate limit headers. A preflight is not a
 * request of the API and takes no slot. A request without `Origin` gets no such headers.
 *
 * The middleware is made for each request, with its origin: platform 0.90 to 0.92 take a list of
 * origins, but no predicate.
 */
function allowBrowsers(app: HttpApp.Default): HttpApp.Default {
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers: { origin } }) =>
    origin !== undefined && /^(?:https?:\/\/|null$)/.test(origin)
      ? HttpMiddleware.cors({ ...corsOptions, allowedOrigins: [origin] })(app)
      : app,
  )
}
