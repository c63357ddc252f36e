/**
 * What limits all requests of the process: the global limit, configured or estimated, blocks, and the
 * invalid-request limit.
 */
import type { Kind } from "../Route.js"
import type { LimitScope, ResponseInfo } from "../ResponseInfo.js"
import type { GlobalLimit } from "../settings.js"

/** The scopes of a 429 that block every request of the process. */
export type ProcessScope = Exclude<LimitScope, "user" | "shared">

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

/** The times of the last sends, as many as the largest global limit, in a ring that grows until full. */
export class SendTimes {
  #times: Array<number> = []
  #capacity = 1
  #count = 0

  /** Increases the capacity. Times that were dropped before stay unknown. */
  grow(capacity: number): void {
    if (capacity <= this.#capacity) return
    const kept = Math.min(this.#count, this.#capacity)
    const times = Array.from({ length: kept }, (_, index) => this.last(kept - index))
    this.#times = times
    this.#capacity = capacity
    this.#count = kept
  }

  add(now: number): void {
    this.#times[this.#count % this.#capacity] = now
    this.#count += 1
  }

  /** Moves the send recorded at `from` to `to`, which is later than all others. */
  postpone(from: number, to: number): void {
    let back = 1
    while (this.last(back) > from) back += 1
    if (this.last(back) !== from) return
    for (; back > 1; back -= 1) this.#times[this.#index(back)] = this.last(back - 1)
    this.#times[this.#index(1)] = to
  }

  /** The last time (1), the one before (2) and so on; `-Infinity` if there is none. */
  last(back: number): number {
    if (back > this.#count || back > this.#capacity) return -Infinity
    return this.#times[this.#index(back)] ?? -Infinity
  }

  /** Number of sends from `start` on. */
  countSince(start: number): number {
    let count = 0
    while (this.last(count + 1) >= start) count += 1
    return count
  }

  #index(back: number): number {
    return (this.#count - back) % this.#capacity
  }
}

/** Requests per second to an address, as Discord documents it. */
const documentedLimit = 50

/** Milliseconds. Discord counts by the second, whatever the window of a configured limit. */
const second = 1000

/** Seconds between a 429 and the next probe, if requests use the whole estimate. */
const secondsToProbe = 5

/** Milliseconds for which an observed end of a second predicts later ones, because clocks drift. */
const maxClockAge = 30_000

/** Maximum error of such a prediction in milliseconds. */
const maxClockError = 3

/**
 * Estimates the global limit that other clients of the same IP address leave, from global 429 responses.
 *
 * A 429 shows that its second is full, so what that second has accepted of our requests is our part.
 * Probes raise the estimate: after some seconds at full load one request more is sent, and another one
 * after each response until the next 429. Nothing else exceeds the estimate meanwhile.
 *
 * The delay of a 429 also names the end of its second, and so the seconds after it: requests count in
 * these, which loses less than a second that begins with each request. Where these ends contradict one
 * another, the server counts differently, and each request begins a second of its own.
 */
class GlobalEstimate {
  /** Requests per second; `Infinity` until the first 429. */
  #limit = Infinity
  readonly #sent: SendTimes
  #probe: object | undefined = undefined
  /** Number of requests until a probe is due. */
  #requestsToProbe = 0
  /** The start and end of the last second with a 429, as its first 429 shows them, and the number of 429s in it. */
  #secondStart = 0
  #secondEnd = 0
  #rejectedCount = 0
  /** The minimum of the estimate after that second. */
  #minLimit = 1
  /** Bounds of the end of that second on the clock of this process. */
  #endsAfter = -Infinity
  #endsBefore = Infinity
  /** Whether the server counts by the seconds of its clock, as far as 429s have shown, and the end of one of them. */
  #hasServerSeconds = true
  #lastEnd = -Infinity

  constructor(sent: SendTimes) {
    this.#sent = sent
  }

  /** The time from which the next request may start, which may be a probe. */
  availableAt(spread: number): number {
    return this.#fitsAt(this.#limit + (this.#isDue ? 1 : 0), spread)
  }

  /** Called before a send is recorded. One that exceeds the estimate is a probe if that is due. */
  onSend(request: object, now: number, spread: number): void {
    if (this.#isDue && this.#fitsAt(this.#limit, spread) > now) this.#probe = request
    this.#requestsToProbe -= 1
  }

  /** Called when a request is settled. */
  onOutcome(request: object, isAccepted: boolean): void {
    if (this.#probe !== request) return
    this.#probe = undefined
    if (isAccepted) this.#limit += 1
  }

  /**
   * Lowers the estimate after a global 429 for the request sent at `sentAt`; at most by half in a second,
   * since others may have used most of that one only. With the last 429 of a second it is exact.
   */
  onLimited(sentAt: number, delay: number, now: number): void {
    // A delay in whole seconds does not show when the second ends.
    const hasExactEnd = delay % second > 0
    if (sentAt >= this.#secondEnd) {
      if (hasExactEnd) this.#compareEnd(sentAt + delay, now + delay)
      this.#secondEnd = sentAt + delay
      this.#secondStart = sentAt - second + (delay % second)
      this.#rejectedCount = 0
      this.#endsAfter = -Infinity
      this.#endsBefore = Infinity
      this.#minLimit = Math.max(1, Math.min(this.#limit, documentedLimit) >> 1)
    }
    if (hasExactEnd && this.#hasServerSeconds) {
      this.#endsAfter = Math.max(this.#endsAfter, sentAt + delay - 1)
      this.#endsBefore = Math.min(this.#endsBefore, now + delay)
    }
    this.#rejectedCount += 1
    const accepted = this.#sent.countSince(this.#secondStart) - this.#rejectedCount
    this.#limit = Math.min(this.#limit, Math.max(this.#minLimit, accepted))
    this.#requestsToProbe = this.#limit * secondsToProbe
    // If it was accepted, it overtook the rejected one.
    this.#probe = undefined
  }

  /**
   * Compares the end of a second, which is between `after` and `before`, with the ends that an earlier one predicts.
   * An end between two of these shows that the server does not count by the seconds of its clock. A request that was
   * on its way for half a second or longer shows nothing.
   */
  #compareEnd(after: number, before: number): void {
    const lateBy = (after - this.#lastEnd) % second
    if (lateBy > maxClockError && lateBy < second / 2 && before - after < second / 2)
      this.#hasServerSeconds = false
    if (!(before - this.#lastEnd < maxClockAge)) this.#lastEnd = before
  }

  get #isDue(): boolean {
    return this.#requestsToProbe <= 0 && this.#probe === undefined
  }

  /** The time from which one request more is within `limit` in each second since the last one with a 429. */
  #fitsAt(limit: number, spread: number): number {
    const last = this.#sent.last(limit)
    if (this.#hasServerSeconds && last < this.#secondEnd) return 0
    const next = this.#secondAfter(last, spread)
    return Math.min(next, last + second + spread)
  }

  /** The first time in the next second after that of the request sent at `sentAt`. */
  #secondAfter(sentAt: number, spread: number): number {
    const start = this.#endsBefore
    // A request sent shortly before the end of a second may arrive in the next one, and counts there.
    const margin = Math.max(0, start - this.#endsAfter) + spread
    const seconds = Math.floor((sentAt + margin - start) / second) + 1
    return seconds * second < maxClockAge ? start + seconds * second : Infinity
  }
}

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
  readonly sent = new SendTimes()
  #lastSent = -Infinity
  /** The end of the last block; in the past if there is none. */
  blockedUntil = 0
  #edgeBlockedUntil = 0
  #edgeProbing = false
  /** The scope of the last block. */
  blockedBy: ProcessScope = "global"
  /** Whether one request probes after a block, while the others wait for its response. */
  #probing = false
  #probe: object | undefined = undefined
  /** Number of consecutive blocks whose 429 had no delay. */
  #blocksWithoutDelay = 0
  #spacing = 0
  #spread = 0
  readonly #estimate = new GlobalEstimate(this.sent)

  constructor(limits: ReadonlyArray<GlobalLimit>) {
    this.#limits = limits
    this.setLimits(limits)
  }

  /** Replaces the global limits, all of which apply. Requests already sent count against them. */
  setLimits(limits: ReadonlyArray<GlobalLimit>): void {
    this.#limits = limits
    for (const { limit } of limits) this.sent.grow(Math.max(limit, documentedLimit))
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
    if (kind === "interaction") return Math.max(this.#edgeBlockedUntil, spaced)
    let availableAt = Math.max(this.blockedUntil, spaced)
    for (const { limit, window } of this.#limits) {
      availableAt = Math.max(availableAt, this.sent.last(limit) + window + this.#spread)
    }
    return isLearning
      ? Math.max(availableAt, this.#estimate.availableAt(this.#spread))
      : availableAt
  }

  recordSend(request: object, now: number, kind: Kind): void {
    this.#lastSent = now
    if (kind === "webhook") {
      this.#estimate.onSend(request, now, this.#spread)
      this.sent.add(now)
    }
    if (this.#isProbing(kind)) this.#probe = request
  }

  /**
   * Moves the send of a request from `grantedAt` to now, because its fiber polls. Otherwise the requests of two
   * windows could be sent within one.
   */
  postponeSend(grantedAt: number, now: number, kind: Kind): void {
    this.#lastSent = Math.max(this.#lastSent, now)
    if (kind === "webhook") this.sent.postpone(grantedAt, now)
  }

  /** Called when a request is settled; `isUnblocked` if its response shows that the block is over. */
  onSettled(request: object, isUnblocked: boolean, kind: Kind): void {
    this.#estimate.onOutcome(request, isUnblocked)
    if (this.#probe !== request) return
    this.#probe = undefined
    if (!isUnblocked) return
    this.#edgeProbing = false
    this.#blocksWithoutDelay = 0
    // The response of an interaction does not show whether a global block is over.
    this.#probing = kind === "interaction" && this.blockedBy === "global"
  }

  /** The current block of requests of a kind. */
  getBlock(kind: Kind): { readonly until: number; readonly by: ProcessScope } {
    return kind === "interaction"
      ? { until: this.#edgeBlockedUntil, by: "edge" }
      : { until: this.blockedUntil, by: this.blockedBy }
  }

  /**
   * Blocks all requests after a 429. `sentAt` is unknown if another process received it, which does not change the
   * estimate of this one. Without a delay, each consecutive block is longer; 429s of requests
   * that were in flight together count once. Returns whether requests were not blocked before.
   */
  block(
    scope: ProcessScope,
    delay: number | undefined,
    sentAt: number | undefined,
    now: number,
  ): boolean {
    if (scope === "global" && sentAt !== undefined) {
      this.#estimate.onLimited(sentAt, delay ?? 0, now)
    }
    const wasUnblocked = !this.#probing || this.blockedUntil <= now
    const isNewBlock = this.#blocksWithoutDelay === 0 || (sentAt ?? now) >= this.blockedUntil
    if (delay === undefined && isNewBlock) this.#blocksWithoutDelay += 1
    const until = now + (delay ?? growingDelay(scope, this.#blocksWithoutDelay))
    this.#probing = true
    if (scope === "edge") {
      this.#edgeProbing = true
      this.#edgeBlockedUntil = Math.max(this.#edgeBlockedUntil, until)
    }
    if (until > this.blockedUntil) {
      this.blockedUntil = until
      this.blockedBy = scope
    }
    return wasUnblocked
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
