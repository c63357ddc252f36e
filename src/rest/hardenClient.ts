/**
 * Prepares an `HttpClient` for requests whose URL contains a token: without a span of its own,
 * without redirects, and with workarounds for `fetch`.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type { RequestError } from "@effect/platform/HttpClientError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import { tryRead } from "./sanitize.js"
import { BodyTooLarge, maxBodySize, unsendable } from "./transportErrors.js"
import { decodeText } from "./transports/direct.js"
import type { TransportFailure } from "./transportErrors.js"

const hardenedClients = new WeakMap<HttpClient.HttpClient, HttpClient.HttpClient>()

/** The call of `fetch` in an attempt. */
interface FetchCall {
  /** Its options; those of the client's layer are visible only there. */
  readonly init: RequestInit
  /** Whether the body of the response fails if it is too large. */
  isBounded: boolean
}

export const fetchCall = FiberRef.unsafeMake<FetchCall>({
  init: {},
  isBounded: false,
})

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
export function hardenClient(client: HttpClient.HttpClient): HttpClient.HttpClient {
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
  const headers = new Headers(init.headers)
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
