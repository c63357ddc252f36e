/**
 * Prepares an `HttpClient` for requests whose URL holds a token: no span of its own, no redirects,
 * and the workarounds that `fetch` needs.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type { RequestError } from "@effect/platform/HttpClientError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import { unsendable } from "./transportErrors.js"
import type { TransportFailure } from "./transportErrors.js"

const hardenedClients = new WeakMap<HttpClient.HttpClient, HttpClient.HttpClient>()

/** The options that `fetch` gets in this attempt; those of the client's layer are visible only inside. */
export const fetchInit: FiberRef.FiberRef<RequestInit> = FiberRef.unsafeMake({})

/**
 * Takes away what would give the token away: the client's own span holds the URL (and its trace
 * headers, which go with the span, tell Discord about us), and a redirect would take it elsewhere.
 *
 * `fetch` follows redirects unless told otherwise, and takes its options from the context. They are
 * added here, where the context of the client's layer is visible, so that options given to the
 * layer stay; providing ours from outside would replace them. Both changes end with the attempt,
 * which has a fiber of its own.
 */
const setRules = (init: RequestInit) =>
  Effect.zipRight(
    FiberRef.set(HttpClient.currentTracerDisabledWhen, () => true),
    Effect.flatMap(FiberRef.get(FiberRef.currentContext), (context) => {
      const given = Context.getOption(context, FetchHttpClient.RequestInit)
      const merged = { ...Option.getOrUndefined(given), ...init }
      return Effect.zipRight(
        FiberRef.set(fetchInit, merged),
        FiberRef.set(
          FiberRef.currentContext,
          Context.add(dropContentLength(context), FetchHttpClient.RequestInit, merged),
        ),
      )
    }),
  )

const returnRedirects = setRules({ redirect: "manual" })

/**
 * `fetch` keeps a copy of a body in memory in case that it has to send it again, to a redirect's
 * target or after asking for a password in a window; with both ruled out it keeps none. Where the
 * runtime does not know `error`, a redirect is a response, which is an error all the same.
 */
const failOnRedirects = setRules({ redirect: "error", window: null })

/** The client for attempts, each in a fiber of its own. */
export function hardenClient(client: HttpClient.HttpClient): HttpClient.HttpClient {
  const found = hardenedClients.get(client)
  if (found !== undefined) return found
  const forStreams = supportsRedirectError() ? failOnRedirects : returnRedirects
  const made = HttpClient.mapRequestEffect(client, (request) =>
    Effect.as(request.body._tag === "Stream" ? forStreams : returnRedirects, request),
  )
  hardenedClients.set(client, made)
  return made
}

type Fetch = typeof globalThis.fetch

/**
 * Adds to the context a `fetch` that drops Content-Length, which it computes itself.
 * `FetchHttpClient` before platform 0.97 passes the header of the request as well, and Node's
 * `fetch` fails on the pair ("invalid content-length header") as soon as a recent undici is loaded,
 * which `@effect/platform-node` does.
 */
function dropContentLength<R>(
  context: Context.Context<R>,
): Context.Context<R | FetchHttpClient.Fetch> {
  const given = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.Fetch))
  const stripping: Fetch = (input, init) => {
    // FetchHttpClient's own default, looked up as late as it does.
    // oxlint-disable-next-line no-restricted-globals
    const original = given ?? globalThis.fetch
    return original(input, init && hasContentLength(init) ? stripContentLength(init) : init)
  }
  return Context.add(context, FetchHttpClient.Fetch, stripping)
}

function hasContentLength({ headers }: RequestInit): boolean {
  return typeof headers === "object" && "content-length" in headers
}

function stripContentLength(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers)
  headers.delete("content-length")
  return { ...init, headers }
}

/** Of undici ("Body is unusable", "disturbed or locked"), of workerd and of browsers. */
const unusableBody =
  /\b(?:body is unusable|used body|already been used|disturbed or locked|is locked)\b/i

/** Cloudflare Workers reject the option: no request is sent, and the upload fails. */
export function supportsRedirectError(): boolean {
  return tryRequest("https://discord.com", { redirect: "error" }) !== undefined
}

/**
 * The failure, if `fetch` failed while it made the request from its arguments. A failure of the
 * network is a `TypeError` as well on most runtimes, so the arguments are tried again: what makes no
 * `Request` was never sent. A body cannot be tried twice; its errors are recognised by their text.
 */
export function classifyFetchRejection(
  { cause, request }: RequestError,
  init: RequestInit,
): TransportFailure | undefined {
  if (!(cause instanceof TypeError)) return undefined
  const { headers, method, url } = request
  // In a browser, a URL may be relative to the page.
  const resolved = tryRequest(url, {})?.url ?? ""
  if (!/^https?:/.test(resolved)) return unsendable("invalidUrl")
  return unusableBody.test(cause.message) ||
    tryRequest(url, { ...init, headers, method }) === undefined
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
