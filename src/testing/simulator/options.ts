import * as Duration from "effect/Duration"
import type { WebhookOperation } from "./http/route.js"
import type { BucketModel, BucketRule } from "./bucket.js"
import type { Random } from "./generate.js"

/**
 * The rule of a bucket.
 *
 * - `limit`: requests per `period`
 * - `model`: `"fixed"` (default; the first request opens a window), `"leaking"` (one slot is
 *   restored each `period / limit`) or `"penalty"` (a window that each early request extends, as
 *   some reimplementations of Discord do; see `BucketModel`)
 * - `hash`: the value of `X-RateLimit-Bucket`. Default a generated one
 *
 * @since 0.1.0
 * @category models
 */
export interface BucketOptions {
  readonly limit: number
  readonly period: Duration.DurationInput
  readonly model?: BucketModel | undefined
  readonly hash?: string | undefined
}

/**
 * A limit without headers: a 429 is returned while `X-RateLimit-Remaining` is positive. It counts
 * the messages of a channel; a rejected one has used a slot of the bucket in `limits`. `scope` is the
 * scope of the 429, default `"shared"`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HiddenLimitOptions {
  readonly limit: number
  readonly period: Duration.DurationInput
  readonly model?: BucketModel | undefined
  readonly scope?: "shared" | "user" | undefined
}

/**
 * The block of a client with too many invalid requests (401, 403, and 429 except `shared`): after
 * `maxInvalidRequests` within `period` (default 10 minutes), for `duration` (default 1 hour).
 *
 * @since 0.1.0
 * @category models
 */
export interface BlockOptions {
  readonly maxInvalidRequests: number
  readonly period?: Duration.DurationInput | undefined
  readonly duration?: Duration.DurationInput | undefined
}

/**
 * A latency: constant, or drawn for each request from `random`, a seeded generator of numbers in
 * [0, 1).
 *
 * @since 0.1.0
 * @category models
 */
export type Latency = Duration.DurationInput | ((random: () => number) => Duration.DurationInput)

/**
 * The options of a simulator. All but `seed` and `origin` can be changed by `configure`.
 *
 * - `seed`: the seed of tokens, hashes and latencies. Default 1
 * - `origin`: the origin of webhook URLs. Default `https://discord.com`
 * - `limits`: for each operation its own bucket, the name of the operation whose bucket it shares,
 *   or `"none"` for no limit and no headers. By default `execute`, `executeSlack`, `executeGitHub`,
 *   `editMessage` and `deleteMessage` share 5 per 2 s; `getMessage` has 5 per 2 s; `getWebhook`,
 *   `modifyWebhook` and `deleteWebhook` share 5 per 2 s
 * - `globalLimit`: requests per second of the server's clock, over all webhooks. Default 50
 * - `hiddenLimit`: default `"none"`
 * - `latency`: total latency of a request, or `request` and `response` separately. Default none
 * - `clockSkew`: milliseconds by which the server's clock is ahead (negative: behind). Default 0
 * - `rateLimitHeaders`: whether responses have `X-RateLimit-*` headers. Default `true`
 * - `bucketHash`: `"changing"` sends a new bucket hash in every response. Default `"stable"`
 * - `block`: default `"none"`
 * - `maxActiveThreads`: maximum number of active threads in all channels except announcement channels,
 *   whose threads have a separate maximum of the same number. Default 1000
 * - `blockedWords`: words in content and thread names that AutoMod rejects. Default none
 * - `maxStoredMessages`: messages stored for each webhook; the oldest are removed. Default
 *   unlimited
 * - `maxTrafficRecords`: requests recorded in `traffic`. Default unlimited
 * - `maxRequestBytes`: larger bodies get 413. Default 25 MiB
 * - `maxFileBytes`: larger files get 413. Default 20 MiB
 * - `maxStoredFileBytes`: bytes of attachments stored for download; the oldest are removed. Default
 *   256 MiB
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly seed?: number | undefined
  readonly origin?: string | undefined
  readonly limits?: LimitOptions | undefined
  readonly globalLimit?: number | "none" | undefined
  readonly hiddenLimit?: HiddenLimitOptions | "none" | undefined
  readonly latency?: Latency | LatencyOptions | undefined
  readonly clockSkew?: number | undefined
  readonly rateLimitHeaders?: boolean | undefined
  readonly bucketHash?: "stable" | "changing" | undefined
  readonly block?: BlockOptions | "none" | undefined
  readonly maxActiveThreads?: number | undefined
  readonly blockedWords?: ReadonlyArray<string> | undefined
  readonly maxStoredMessages?: number | undefined
  readonly maxTrafficRecords?: number | undefined
  readonly maxRequestBytes?: number | undefined
  readonly maxFileBytes?: number | undefined
  readonly maxStoredFileBytes?: number | undefined
}

/**
 * The bucket of each operation.
 *
 * @since 0.1.0
 * @category models
 */
export type LimitOptions = {
  readonly [Key in WebhookOperation]?: BucketOptions | WebhookOperation | "none" | undefined
}

/**
 * Latency by direction: `request` before the server processes the request, `response` after.
 *
 * @since 0.1.0
 * @category models
 */
export interface LatencyOptions {
  readonly request?: Latency | undefined
  readonly response?: Latency | undefined
}

/** The bucket of an operation: its name, its rule and its hash. */
export interface RouteRule extends BucketRule {
  readonly bucket: WebhookOperation
  readonly hash: string | undefined
}

/** Options with defaults applied and times in milliseconds. */
export interface Config {
  readonly origin: string
  /** The hosts of attachment URLs. */
  readonly cdn: { readonly origin: string; readonly proxyOrigin: string }
  readonly rules: { readonly [Key in WebhookOperation]: RouteRule | undefined }
  readonly globalLimit: number
  readonly hidden: (BucketRule & { readonly scope: "shared" | "user" }) | undefined
  readonly requestLatency: (random: Random) => number
  readonly responseLatency: (random: Random) => number
  readonly clockSkew: number
  readonly rateLimitHeaders: boolean
  readonly changingHash: boolean
  readonly block:
    | { readonly requests: number; readonly withinMillis: number; readonly lastsMillis: number }
    | undefined
  readonly maxActiveThreads: number
  readonly blockedWords: ReadonlyArray<string>
  readonly maxStoredMessages: number
  readonly maxTrafficRecords: number
  readonly maxRequestBytes: number
  readonly maxFileBytes: number
  readonly maxStoredFileBytes: number
}

const mebibyte = 1024 * 1024

const defaultLimits = {
  execute: { limit: 5, period: "2 seconds" },
  executeSlack: "execute",
  executeGitHub: "execute",
  editMessage: "execute",
  deleteMessage: "execute",
  getMessage: { limit: 5, period: "2 seconds" },
  getWebhook: { limit: 5, period: "2 seconds" },
  modifyWebhook: "getWebhook",
  deleteWebhook: "getWebhook",
} as const satisfies LimitOptions

/** Applies defaults. Throws a `RangeError` that names the option if a value is out of range. */
export const resolveOptions = (options: Options): Config => {
  const latency = splitLatency(options.latency)
  return {
    origin: options.origin ?? "https://discord.com",
    cdn: resolveCdn(options.origin),
    rules: resolveRules({ ...defaultLimits, ...omitUndefined(options.limits) }),
    globalLimit: resolveGlobalLimit(options.globalLimit),
    hidden: resolveHidden(options.hiddenLimit),
    requestLatency: resolveDirection(latency.request),
    responseLatency: resolveDirection(latency.response),
    clockSkew: options.clockSkew ?? 0,
    rateLimitHeaders: options.rateLimitHeaders ?? true,
    changingHash: options.bucketHash === "changing",
    block: resolveBlock(options.block),
    maxActiveThreads: options.maxActiveThreads ?? 1000,
    blockedWords: options.blockedWords ?? [],
    maxStoredMessages: options.maxStoredMessages ?? Number.POSITIVE_INFINITY,
    maxTrafficRecords: options.maxTrafficRecords ?? Number.POSITIVE_INFINITY,
    maxRequestBytes: options.maxRequestBytes ?? 25 * mebibyte,
    maxFileBytes: options.maxFileBytes ?? 20 * mebibyte,
    maxStoredFileBytes: options.maxStoredFileBytes ?? 256 * mebibyte,
  }
}

/** Merges options; `changes` take precedence. `limits` are merged by operation. */
export const mergeOptions = (before: Options, changes: Options): Options => ({
  ...before,
  ...omitUndefined(changes),
  limits: { ...before.limits, ...omitUndefined(changes.limits) },
})

/** A custom origin also serves the files. */
function resolveCdn(origin: string | undefined): Config["cdn"] {
  return origin === undefined
    ? { origin: "https://cdn.discordapp.com", proxyOrigin: "https://media.discordapp.net" }
    : { origin, proxyOrigin: origin }
}

function resolveRules(limits: LimitOptions): Config["rules"] {
  return {
    execute: resolveRule(limits, "execute"),
    executeSlack: resolveRule(limits, "executeSlack"),
    executeGitHub: resolveRule(limits, "executeGitHub"),
    editMessage: resolveRule(limits, "editMessage"),
    deleteMessage: resolveRule(limits, "deleteMessage"),
    getMessage: resolveRule(limits, "getMessage"),
    getWebhook: resolveRule(limits, "getWebhook"),
    modifyWebhook: resolveRule(limits, "modifyWebhook"),
    deleteWebhook: resolveRule(limits, "deleteWebhook"),
  }
}

function resolveRule(limits: LimitOptions, operation: WebhookOperation): RouteRule | undefined {
  const passed = new Set<WebhookOperation>()
  let bucket = operation
  while (!passed.has(bucket)) {
    passed.add(bucket)
    const option = limits[bucket] ?? "none"
    if (option === "none") return undefined
    if (typeof option !== "string") {
      return { ...bucketRule(`limits.${bucket}`, option), bucket, hash: option.hash }
    }
    bucket = option
  }
  throw new RangeError(`limits.${operation}: the shared buckets refer to each other in a cycle`)
}

function bucketRule(
  name: string,
  option: Pick<BucketOptions, "limit" | "period" | "model">,
): BucketRule {
  const periodMillis = Duration.toMillis(option.period)
  if (!Number.isInteger(option.limit) || option.limit < 1) {
    throw new RangeError(`${name}.limit must be an integer of at least 1, not ${option.limit}`)
  }
  if (!(periodMillis > 0 && periodMillis < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${name}.period must be positive and finite, not ${periodMillis} ms`)
  }
  return { limit: option.limit, periodMillis, model: option.model ?? "fixed" }
}

function resolveGlobalLimit(option: Options["globalLimit"]): number {
  if (option === "none") return Number.POSITIVE_INFINITY
  const limit = option ?? 50
  if (!(limit >= 1)) throw new RangeError(`globalLimit must be at least 1, not ${limit}`)
  return limit
}

function resolveHidden(option: Options["hiddenLimit"]): Config["hidden"] {
  if (option === undefined || option === "none") return undefined
  return { ...bucketRule("hiddenLimit", option), scope: option.scope ?? "shared" }
}

/** Discord documents 10 000 invalid requests in 10 minutes; users report blocks of an hour. */
function resolveBlock(option: Options["block"]): Config["block"] {
  if (option === undefined || option === "none") return undefined
  return {
    requests: option.maxInvalidRequests,
    withinMillis: Duration.toMillis(option.period ?? "10 minutes"),
    lastsMillis: Duration.toMillis(option.duration ?? "1 hour"),
  }
}

/** A single latency is divided equally between the two directions. */
function splitLatency(option: Options["latency"]): LatencyOptions {
  if (option === undefined) return {}
  if (isLatencyOptions(option)) return option
  const half: Latency =
    typeof option === "function"
      ? (random) => Duration.times(Duration.decode(option(random)), 0.5)
      : Duration.times(Duration.decode(option), 0.5)
  return { request: half, response: half }
}

function isLatencyOptions(option: Latency | LatencyOptions): option is LatencyOptions {
  return typeof option === "object" && ("request" in option || "response" in option)
}

function resolveDirection(latency: Latency | undefined): (random: Random) => number {
  if (latency === undefined) return () => 0
  if (typeof latency === "function") return (random) => Duration.toMillis(latency(random))
  const millis = Duration.toMillis(latency)
  return () => millis
}

function omitUndefined<A extends object>(value: A | undefined): Partial<A> {
  const kept: Partial<A> = { ...value }
  for (const key in kept) if (kept[key] === undefined) delete kept[key]
  return kept
}
