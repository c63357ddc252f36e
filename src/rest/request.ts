/** A request, and the settings with which it is sent; both independent of the transport. */
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { Delivered, Issue, WebhookFileError } from "../error/WebhookError.js"
import type { Route } from "../ratelimit/Route.js"
import type { RestOptions } from "./RestConfig.js"
import { parseUrl } from "../model/parseUrl.js"

export interface RestRequest<A> {
  readonly route: Route
  /** Redacted from every text of the response. */
  readonly token: Redacted.Redacted
  /** The part of the URL after the token, including the query. */
  readonly suffix: string
  /** Whether `thread_id` is given; it distinguishes an unknown thread from an unknown channel. */
  readonly inThread: boolean
  /** Whether the request starts a thread. */
  readonly startsThread: boolean
  /** In addition to those of every request. */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: RequestBody
  /** Whether repeating the request has no further effect. */
  readonly idempotent: boolean
  readonly success: ResponseBody<A>
  /**
   * For a DELETE: Discord's code for a resource that does not exist. If an earlier attempt of the
   * request may have deleted it, this is a success.
   */
  readonly notFound: { readonly code: number; readonly value: A } | undefined
}

type Optional = "startsThread" | "headers" | "notFound"

/**
 * Creates a request. All requests have the same properties in the same order; objects built by
 * spreads would have a hidden class each, which costs 300 bytes and slows down every access.
 */
export const makeRequest = <A>(
  parts: Omit<RestRequest<A>, Optional> & Partial<RestRequest<A>>,
): RestRequest<A> => ({
  route: parts.route,
  token: parts.token,
  suffix: parts.suffix,
  inThread: parts.inThread,
  startsThread: parts.startsThread ?? false,
  headers: parts.headers,
  body: parts.body,
  idempotent: parts.idempotent,
  success: parts.success,
  notFound: parts.notFound,
})

/** The path after the base URL. It contains the token. */
export const getPath = ({ route, suffix, token }: RestRequest<unknown>): string =>
  `/webhooks/${route.webhookId}/${Redacted.value(token)}${suffix}`

type RequestBody = EmptyBody | JsonBody | UploadBody

export interface EmptyBody {
  readonly _tag: "Empty"
}

/** Text, because a string takes half the memory of its bytes while a request waits. */
export interface JsonBody {
  readonly _tag: "Json"
  readonly text: string
}

export const emptyBody: EmptyBody = { _tag: "Empty" }

/** Throws if `JSON.stringify` does: for a bigint and for a circular value. */
export const jsonBody = (value: unknown): JsonBody => ({
  _tag: "Json",
  text: JSON.stringify(value),
})

/** A file of a body. */
interface UploadedFile {
  readonly name: string
  readonly contentType: string
  readonly size: number
  readonly bytes: Effect.Effect<Uint8Array, WebhookFileError>
}

/** A body that is read from files, again for each attempt. */
export interface UploadBody {
  readonly _tag: "Upload"
  /** The JSON part. */
  readonly json: unknown
  readonly files: ReadonlyArray<UploadedFile>
  /** Bytes of the whole body. */
  readonly size: number
  /** Provides the body of one attempt; interrupts the attempt if a file fails. */
  readonly withBody: <A, E>(
    use: (body: HttpBody.HttpBody) => Effect.Effect<A, E>,
  ) => Effect.Effect<A, E | WebhookFileError>
  /** Present if a file has been read at least partly and cannot be read again. */
  readonly failConsumed: () => FailConsumed | undefined
  /** The error of a file, if an earlier attempt may have created the message. */
  readonly withUnknownDelivery: (error: WebhookFileError) => WebhookFileError
}

/** Makes the error of a request that cannot be repeated; `cause` is what it would be repeated after. */
export type FailConsumed = (cause: string, delivered: Delivered) => WebhookFileError

/**
 * How a 2xx response becomes the result. `Ignored` requires only that Discord sent it; `text` is
 * what Discord returns in place of JSON.
 */
export type ResponseBody<A> =
  | { readonly _tag: "Ignored"; readonly value: A; readonly text: string | undefined }
  | { readonly _tag: "Decoded"; readonly decode: (json: unknown) => Either.Either<A, Issues> }

type Issues = ReadonlyArray<Issue>

export const ignoredBody: ResponseBody<void> = {
  _tag: "Ignored",
  value: undefined,
  text: undefined,
}

/** The Slack-compatible endpoint returns this text, with and without `wait`. */
export const okBody: ResponseBody<void> = { _tag: "Ignored", value: undefined, text: "ok" }

export const decodedBody = <A>(
  decode: (json: unknown) => Either.Either<A, Issues>,
): ResponseBody<A> => ({
  _tag: "Decoded",
  decode,
})

/** Settings in the form that requests need, computed once for each `RestConfig`. */
export interface ResolvedConfig {
  /** Without a trailing slash. */
  readonly baseUrl: string
  /** Its parts; `undefined` unless it is a plain HTTP URL. */
  readonly base: BaseUrl | undefined
  /** For spans; empty if the base URL is invalid. */
  readonly serverAddress: string
  readonly serverPort: number | undefined
  /** Whether requests go to Discord itself, not to a proxy or a simulator. */
  readonly isDiscordHost: boolean
  readonly headers: Headers.Headers
  readonly timeout: Duration.Duration
  readonly connectionTimeout: Duration.Duration
  /** How long an attempt without files may hold its permit: in all, and after it has started. */
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

export interface BaseUrl {
  readonly origin: string
  readonly path: string
}

/** A timed-out attempt is settled within this time if its fiber still runs. */
const leaseMargin = Duration.seconds(1)

const resolvedConfigs = new WeakMap<RestOptions, ResolvedConfig>()

export function resolveConfig(options: RestOptions): ResolvedConfig {
  const found = resolvedConfigs.get(options)
  if (found !== undefined) return found
  const made = computeConfig(options)
  resolvedConfigs.set(options, made)
  return made
}

function computeConfig(options: RestOptions): ResolvedConfig {
  const timeout = Duration.decode(options.timeout)
  const connectionTimeout = Duration.decode(options.connectionTimeout ?? options.timeout)
  const startedLease = Duration.sum(timeout, leaseMargin)
  const url = parseUrl(options.baseUrl)
  return {
    ...options,
    baseUrl: trimSlashes(options.baseUrl),
    base: url && parseBaseUrl(options.baseUrl, url),
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

function parseBaseUrl(text: string, { origin, pathname, protocol }: URL): BaseUrl | undefined {
  const isPlain = /^https?:$/.test(protocol) && !/[?#]/.test(text)
  return isPlain ? { origin, path: trimSlashes(pathname) } : undefined
}

function trimSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === "/") end--
  return text.slice(0, end)
}

/**
 * Whether this is a browser, which sets its own User-Agent: in Firefox, setting another one causes
 * a preflight request, which Discord rejects. Other runtimes have a `navigator` with another name.
 */
export function isBrowser(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } }
  return navigator?.userAgent?.startsWith("Mozilla/") === true
}

/** Bytes a second of the slowest supported connection: about a megabit. */
const minUploadRate = 128 * 1024

/** Returns the maximum duration of an attempt after it has started. */
export function getTimeout(
  { body }: RestRequest<unknown>,
  settings: ResolvedConfig,
): Duration.Duration {
  return body._tag === "Upload"
    ? Duration.sum(settings.timeout, getUploadTime(body.size))
    : settings.timeout
}

/** The additional time for the files of a request. */
export function getUploadTime(bytes: number): Duration.Duration {
  return Duration.seconds(Math.ceil(bytes / minUploadRate))
}

/** Whether the host is one of Discord's domains or their subdomains. */
export function isDiscordHost(hostname: string): boolean {
  return /(?:^|\.)discord(?:app)?\.com$/.test(hostname)
}

/** Whether the host is this machine. `hostname` is normalized by `URL`. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
