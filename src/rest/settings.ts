/** What can be worked out once from the settings and the client, and not for every request. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import { isDiscordHost } from "./host.js"
import { directOf } from "./direct.js"
import { supportsRedirectError } from "./fetchRules.js"
import type { RestOptions } from "./RestConfig.js"
import type { RestRequest } from "./restRequest.js"
import { withoutLength } from "./withoutLength.js"

export interface Settings {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** The same in its parts; `undefined` when it is no plain HTTP URL. */
  readonly base: Base | undefined
  /** For spans; empty when the base URL is no URL. */
  readonly serverAddress: string
  readonly serverPort: number | undefined
  /** Whether requests go to Discord itself, and not to a proxy or a fake. */
  readonly isDiscordHost: boolean
  readonly headers: Headers.Headers
  readonly timeout: Duration.Duration
  readonly connectionTimeout: Duration.Duration
  /** How long an attempt without a file may hold its permit: in all, and once it has started. */
  readonly lease: Duration.Duration
  readonly startedLease: Duration.Duration
  readonly maxRetries: number
  readonly backoffBase: Duration.Duration
  readonly backoffMax: Duration.Duration
  readonly retry: "safe" | "atLeastOnce"
  readonly delivery: "ordered" | "concurrent"
  readonly maxWait: Duration.Duration | undefined
  readonly maxRateLimitAttempts: number
}

export interface Base {
  readonly origin: string
  readonly path: string
}

/** An attempt that has timed out is settled within this time, if its fiber is still there. */
const leaseMargin = Duration.seconds(1)

const known = new WeakMap<RestOptions, Settings>()

export function settingsOf(options: RestOptions): Settings {
  const found = known.get(options)
  if (found !== undefined) return found
  const made = makeSettings(options)
  known.set(options, made)
  return made
}

function makeSettings(options: RestOptions): Settings {
  const timeout = Duration.decode(options.timeout)
  const connectionTimeout = Duration.decode(options.connectionTimeout ?? options.timeout)
  const startedLease = Duration.sum(timeout, leaseMargin)
  const url = URL.canParse(options.baseUrl) ? new URL(options.baseUrl) : undefined
  return {
    ...options,
    baseUrl: withoutLastSlashes(options.baseUrl),
    base: url && baseOf(options.baseUrl, url),
    serverAddress: url?.hostname ?? "",
    isDiscordHost: url !== undefined && isDiscordHost(url.hostname),
    serverPort: url === undefined || url.port === "" ? undefined : Number(url.port),
    headers: Headers.fromInput(isBrowser() ? {} : { "user-agent": options.userAgent }),
    timeout,
    connectionTimeout,
    lease: Duration.sum(connectionTimeout, startedLease),
    startedLease,
    backoffBase: Duration.decode(options.backoffBase),
    backoffMax: Duration.decode(options.backoffMax),
    maxWait: options.maxWait === undefined ? undefined : Duration.decode(options.maxWait),
  }
}

function baseOf(text: string, { origin, pathname, protocol }: URL): Base | undefined {
  const isPlain = /^https?:$/.test(protocol) && !/[?#]/.test(text)
  return isPlain ? { origin, path: withoutLastSlashes(pathname) } : undefined
}

function withoutLastSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === "/") end--
  return text.slice(0, end)
}

/**
 * A browser says itself who it is. Firefox would let us, but then ask Discord first whether a page
 * may, which it may not. Other runtimes have a `navigator`, too, of another name.
 */
export function isBrowser(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } }
  return navigator?.userAgent?.startsWith("Mozilla/") === true
}

/** Bytes a second that the slowest line in use carries: about a megabit. */
const slowestUpload = 128 * 1024

/** The longest time that an attempt may take once it has started. */
export function timeoutOf({ body }: RestRequest<unknown>, settings: Settings): Duration.Duration {
  return body._tag === "Upload"
    ? Duration.sum(settings.timeout, uploadTime(body.size))
    : settings.timeout
}

/**
 * The longest time that an attempt holds its permit, if its fiber is still there. A client that
 * reports when a request starts may take some time until then.
 */
export function leaseOf(
  client: HttpClient.HttpClient,
  { body }: RestRequest<unknown>,
  settings: Settings,
): Duration.Duration {
  const lease = directOf(client) === undefined ? settings.startedLease : settings.lease
  return body._tag === "Upload" ? Duration.sum(lease, uploadTime(body.size)) : lease
}

function uploadTime(bytes: number): Duration.Duration {
  return Duration.seconds(Math.ceil(bytes / slowestUpload))
}

const prepared = new WeakMap<HttpClient.HttpClient, HttpClient.HttpClient>()

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
const discretion = (init: RequestInit) =>
  Effect.zipRight(
    FiberRef.set(HttpClient.currentTracerDisabledWhen, () => true),
    Effect.flatMap(FiberRef.get(FiberRef.currentContext), (context) => {
      const given = Context.getOption(context, FetchHttpClient.RequestInit)
      const merged = { ...Option.getOrUndefined(given), ...init }
      return Effect.zipRight(
        FiberRef.set(fetchInit, merged),
        FiberRef.set(
          FiberRef.currentContext,
          Context.add(withoutLength(context), FetchHttpClient.RequestInit, merged),
        ),
      )
    }),
  )

const redirectAsAnswer = discretion({ redirect: "manual" })

/**
 * `fetch` keeps a copy of a body in memory in case that it has to send it again, to a redirect's
 * target or after asking for a password in a window; with both ruled out it keeps none. Where the
 * runtime does not know `error`, a redirect is a response, which is an error all the same.
 */
const redirectAsFailure = discretion({ redirect: "error", window: null })

/** The client for attempts, each in a fiber of its own. */
export function discreet(client: HttpClient.HttpClient): HttpClient.HttpClient {
  const found = prepared.get(client)
  if (found !== undefined) return found
  const forStreams = supportsRedirectError() ? redirectAsFailure : redirectAsAnswer
  const made = HttpClient.mapRequestEffect(client, (request) =>
    Effect.as(request.body._tag === "Stream" ? forStreams : redirectAsAnswer, request),
  )
  prepared.set(client, made)
  return made
}
