/** What can be worked out once from the settings and the client, and not for every request. */
import * as Headers from "@effect/platform/Headers"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import type { RestRequest } from "./request.js"
import type { RestOptions } from "./RestConfig.js"
import { getDirect } from "./transports/direct.js"

export interface ResolvedConfig {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** The same in its parts; `undefined` when it is no plain HTTP URL. */
  readonly base: BaseUrl | undefined
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

export interface BaseUrl {
  readonly origin: string
  readonly path: string
}

/** An attempt that has timed out is settled within this time, if its fiber is still there. */
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
 * A browser says itself who it is. Firefox would let us, but then ask Discord first whether a page
 * may, which it may not. Other runtimes have a `navigator`, too, of another name.
 */
export function isBrowser(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } }
  return navigator?.userAgent?.startsWith("Mozilla/") === true
}

/** Bytes a second that the slowest line in use carries: about a megabit. */
const minUploadRate = 128 * 1024

/** The longest time that an attempt may take once it has started. */
export function getTimeout(
  { body }: RestRequest<unknown>,
  settings: ResolvedConfig,
): Duration.Duration {
  return body._tag === "Upload"
    ? Duration.sum(settings.timeout, getUploadTime(body.size))
    : settings.timeout
}

/**
 * The longest time that an attempt holds its permit, if its fiber is still there. A client that
 * reports when a request starts may take some time until then.
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

/** Whose host a base URL names. */

/** Discord's own domains and their subdomains. */
export function isDiscordHost(hostname: string): boolean {
  return /(?:^|\.)discord(?:app)?\.com$/.test(hostname)
}

/** This machine, so that nothing goes over a network. `hostname` is as `URL` writes it. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
