/** What limits all requests of the process: the global limit, blocks, and the invalid-request limit. */
import type { Kind } from "../Route.js"
import type { LimitScope, ResponseInfo } from "../ResponseInfo.js"
import type { GlobalLimit } from "../settings.js"
import { documented, GlobalEstimate } from "./globalEstimate.js"
import { SendTimes } from "./sendTimes.js"

/** The scopes of a 429 that block every request of the process. */
export type HostScope = Exclude<LimitScope, "user" | "shared">

/**
 * The delay in milliseconds after `count` consecutive 429 responses without one: doubled each time, up to a
 * maximum. Cloudflare's blocks last for minutes, and each further request may make them longer.
 */
export function growingDelay(scope: LimitScope, count: number): number {
  const isEdge = scope === "edge"
  return Math.min(isEdge ? 900_000 : 60_000, (isEdge ? 60_000 : 1000) * 2 ** (count - 1))
}

/** Maximum latency spread that is reserved; a larger reserve costs more than a rare 429. */
const maxLatencySpread = 250

/**
 * Limits all requests of the process: the global limit, and blocks after a global 429 or by the edge in
 * front of the API. Requests of interactions are exempt from the global limit, but not from blocks by
 * the edge and from spacing.
 *
 * Discord: "Interaction endpoints are not bound to the bot's Global Rate Limit".
 *
 * @internal
 */
export class GlobalLimiter {
  #limits: ReadonlyArray<GlobalLimit>
  readonly #sent = new SendTimes()
  #lastSent = -Infinity
  /** The end of the last block; in the past if there is none. */
  blockedUntil = 0
  #edgeUntil = 0
  #edgeProbing = false
  /** The scope of the last block. */
  blockedBy: HostScope = "global"
  /** Whether one request probes after a block, while the others wait for its response. */
  #probing = false
  #probe: object | undefined = undefined
  /** Number of consecutive blocks whose 429 had no delay. */
  #blocksWithoutDelay = 0
  #spacing = 0
  #spread = 0
  readonly #estimate = new GlobalEstimate(this.#sent)

  constructor(limits: ReadonlyArray<GlobalLimit>) {
    this.#limits = limits
    this.setLimits(limits)
  }

  /** Replaces the global limits, all of which apply. Requests already sent count against them. */
  setLimits(limits: ReadonlyArray<GlobalLimit>): void {
    this.#limits = limits
    for (const { limit } of limits) this.#sent.remember(Math.max(limit, documented))
  }

  /**
   * The time from which the next request may start; `Infinity` while a probe is in flight.
   *
   * No interval of a window's length holds more than `limit` sends, however the server's seconds
   * lie; the spread of latencies is added, since it lets sends bunch up on the way.
   */
  availableAt(kind: Kind, isLearning = false): number {
    if (this.#isProbing(kind) && this.#probe !== undefined) return Infinity
    const spaced = this.#spacing === 0 ? 0 : this.#lastSent + this.#spacing
    if (kind === "interaction") return Math.max(this.#edgeUntil, spaced)
    let at = Math.max(this.blockedUntil, spaced)
    for (const { limit, window } of this.#limits) {
      at = Math.max(at, this.#sent.last(limit) + window + this.#spread)
    }
    return isLearning ? Math.max(at, this.#estimate.availableAt(this.#spread)) : at
  }

  recordSend(request: object, now: number, kind: Kind): void {
    this.#lastSent = now
    if (kind === "webhook") {
      this.#estimate.onSend(request, now, this.#spread)
      this.#sent.add(now)
    }
    if (this.#isProbing(kind)) this.#probe = request
  }

  /**
   * Moves the send of a request from `passedAt` to now, because its fiber polls; otherwise two windows'
   * worth could be sent within one.
   */
  postponeSend(passedAt: number, now: number, kind: Kind): void {
    this.#lastSent = Math.max(this.#lastSent, now)
    if (kind === "webhook") this.#sent.postpone(passedAt, now)
  }

  /** Called when a request is settled; `open` if its response shows that the block is over. */
  onSettled(request: object, open: boolean, kind: Kind): void {
    this.#estimate.onOutcome(request, open)
    if (this.#probe !== request) return
    this.#probe = undefined
    if (!open) return
    this.#edgeProbing = false
    this.#blocksWithoutDelay = 0
    // The response of an interaction does not show whether a global block is over.
    this.#probing = kind === "interaction" && this.blockedBy === "global"
  }

  /** The current block of requests of a kind. */
  getBlock(kind: Kind): { readonly until: number; readonly by: HostScope } {
    return kind === "interaction"
      ? { until: this.#edgeUntil, by: "edge" }
      : { until: this.blockedUntil, by: this.blockedBy }
  }

  /**
   * Blocks all requests after a 429. Without a delay, each consecutive block is longer; 429s of requests
   * that were in flight together count once. Returns whether requests were not blocked before.
   */
  block(scope: HostScope, delay: number | undefined, sentAt: number, now: number): boolean {
    if (scope === "global") this.#estimate.onLimited(sentAt, delay ?? 0)
    const wasOpen = !this.#probing || this.blockedUntil <= now
    const isLater = this.#blocksWithoutDelay === 0 || sentAt >= this.blockedUntil
    if (delay === undefined && isLater) this.#blocksWithoutDelay += 1
    const until = now + (delay ?? growingDelay(scope, this.#blocksWithoutDelay))
    this.#probing = true
    if (scope === "edge") {
      this.#edgeProbing = true
      this.#edgeUntil = Math.max(this.#edgeUntil, until)
    }
    if (until > this.blockedUntil) {
      this.blockedUntil = until
      this.blockedBy = scope
    }
    return wasOpen
  }

  /** Sets the milliseconds between requests, which slow down invalid requests; 0 for none. */
  setSpacing(milliseconds: number): void {
    this.#spacing = milliseconds
  }

  /** Sets the spread of round trips. */
  setLatencySpread(spread: number): void {
    this.#spread = Math.min(maxLatencySpread, spread)
  }

  #isProbing(kind: Kind): boolean {
    return kind === "interaction" ? this.#edgeProbing : this.#probing
  }
}

/** The period in which Discord counts invalid requests (milliseconds). */
const period = 600_000

/**
 * Counts the responses 401, 403 and 429 (unless `shared`) of the last 10 minutes. Discord bans an IP
 * address at 10 000.
 *
 * @see https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
 * @internal
 */
export class InvalidRequests {
  /** From half of the limit requests are spaced; at the limit they are rejected. */
  limit: number
  /** When they were counted, the oldest first. */
  readonly #times: Array<number> = []

  constructor(limit: number) {
    this.limit = limit
  }

  static isInvalid(response: ResponseInfo): boolean {
    if (response.status === 429) return (response.limited ?? response.headers).scope !== "shared"
    return response.status === 401 || response.status === 403
  }

  add(now: number): void {
    this.#times.push(now)
  }

  count(now: number): number {
    const first = this.#times.findIndex((at) => at > now - period)
    if (first !== 0) this.#times.splice(0, first < 0 ? this.#times.length : first)
    return this.#times.length
  }

  /**
   * Milliseconds between requests once half of the limit is used: even if all of them were invalid, the
   * limit would not be reached before the oldest ones expire.
   */
  spacing(now: number): number {
    const count = this.count(now)
    return count < Math.floor(this.limit / 2) ? 0 : period / Math.max(1, this.limit - count)
  }

  /** Milliseconds until the oldest counted request expires. */
  retryAfter(now: number): number {
    return this.count(now) === 0 ? 0 : (this.#times[0] ?? 0) + period - now
  }
}
