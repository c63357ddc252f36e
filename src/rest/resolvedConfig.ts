/** Settings in the form that requests need, computed once for each `RestConfig`. */
import * as Headers from "@effect/platform/Headers"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import type { RestRequest } from "./request.js"
import type { RestOptions } from "./RestConfig.js"
import { getDirect } from "./transports/direct.js"

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
  const url = URL.canParse(options.baseUrl) ? new URL(options.baseUrl) : undefined
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

/**
 * Returns how long an attempt may hold its permit. If the client reports when a request starts, the
 * time before is included.
 */
export function getLease(
  client: HttpClient.HttpClient,
  { body }: RestRequest<unknown>,
  settings: ResolvedConfig,
): Duration.Duration {
  const lease = getDirect(client) === undefined ? settings.startedLease : settings.lease
  return body._tag === "Upload" ? Duration.sum(lease, getUploadTime(body.size)) : lease
}

function getUploadTime(bytes: number): Duration.Duration {
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
