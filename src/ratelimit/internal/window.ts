/**
 * One bucket's window: what the server said, what we sent, and when the slots come back.
 * Pure bookkeeping on instants given by the caller (milliseconds on a clock that only moves forward).
 */
import type { Model } from "../Bucket.js"
import type { RateLimitHeaders } from "../RateLimitHeaders.js"

/** How an answer stands to the window we know. */
type Relation = "same" | "newer" | "stale"

/** Two resets on the server's clock closer than this (milliseconds) are one: the header is rounded. */
const sameReset = 10

/** The window before the open one, to recognise its late answers. */
interface Past {
  readonly resetAt: number
  readonly rolledAt: number
  readonly serverReset: number | undefined
}

/** @internal */
export class Window {
  limit: number | undefined = undefined
  model: Model = "unknown"
  /** The longest time to a reset seen under this limit. */
  period: number | undefined = undefined
  /** From here on the window is over for certain. */
  resetAt: number | undefined = undefined
  resetEarliest: number | undefined = undefined

  /** Requests of ours that this window has counted, or may have. */
  #used = 0
  /** The least `remaining` the server has said in this window. */
  #floor = Number.POSITIVE_INFINITY
  #serverReset: number | undefined = undefined
  /** When the request was sent whose answer opened the window. */
  #openerSentAt = 0
  #past: Past | undefined = undefined

  /** A window as another webhook's, before the first answer on this one. */
  static guess(of: Pick<Window, "limit" | "model" | "period">): Window {
    const window = new Window()
    window.limit = of.limit
    window.model = of.model
    window.period = of.period
    return window
  }

  /** Slots left, requests in flight not taken off. */
  get remaining(): number {
    const ours = this.limit === undefined ? Number.POSITIVE_INFINITY : this.limit - this.#used
    return Math.max(0, Math.min(this.#floor, ours))
  }

  /**
   * Gives all slots back if the window is over for what is sent now, which may be `lead` before the
   * reset; returns how many were unused, or `undefined`.
   */
  roll(now: number, lead = 0): number | undefined {
    if (this.resetAt === undefined || now < this.resetAt - lead) return undefined
    const unused = this.remaining
    this.#past = { resetAt: this.resetAt, rolledAt: now, serverReset: this.#serverReset }
    this.resetAt = undefined
    this.resetEarliest = undefined
    this.#serverReset = undefined
    this.#used = 0
    this.#floor = Number.POSITIVE_INFINITY
    return unused
  }

  /** A request that the server has counted, or may have, without saying so. */
  consume(sentAt: number, now: number): void {
    this.#used += 1
    this.#floor -= 1
    if (this.resetAt === undefined && this.period !== undefined) {
      this.#open(sentAt + this.period, now + this.period, undefined, sentAt)
    }
  }

  /** What an answer says. A refused request (429) was not counted. */
  answered(headers: RateLimitHeaders, sentAt: number, now: number, refused: boolean): void {
    const { limit, remaining, resetAfter } = headers
    if (limit === undefined && remaining === undefined && resetAfter === undefined) {
      if (!refused && this.limit !== undefined) this.consume(sentAt, now)
      return
    }
    const relation = this.#relate(headers, sentAt, now)
    if (relation === "stale") return
    const changed = limit !== undefined && limit !== this.limit
    if (changed) {
      this.limit = limit
      this.model = "unknown"
      this.period = undefined
    } else {
      this.#learnModel(relation, sentAt, now)
    }
    this.#count(changed ? "newer" : relation, headers, sentAt, now, refused)
    if (!refused && resetAfter !== undefined) {
      this.period = Math.max(this.period ?? 0, resetAfter)
    }
  }

  #count(
    relation: "same" | "newer",
    headers: RateLimitHeaders,
    sentAt: number,
    now: number,
    refused: boolean,
  ): void {
    const { remaining, resetAfter } = headers
    const counted = refused ? 0 : 1
    if (resetAfter === undefined) {
      // No window can be told: only the server's last word counts.
      this.#floor = remaining ?? this.#floor - counted
      return
    }
    if (relation === "same") {
      this.#used += counted
      this.#floor = Math.min(this.#floor, remaining ?? this.#floor - counted)
      this.resetEarliest = Math.max(this.resetEarliest ?? 0, sentAt + resetAfter)
      this.resetAt = Math.min(this.resetAt ?? Number.POSITIVE_INFINITY, now + resetAfter)
      return
    }
    this.#used = this.resetAt === undefined ? this.#used + counted : counted
    this.#floor = remaining ?? Number.POSITIVE_INFINITY
    this.#open(sentAt + resetAfter, now + resetAfter, headers.reset, sentAt)
  }

  #open(earliest: number, latest: number, serverReset: number | undefined, sentAt: number): void {
    this.resetEarliest = earliest
    this.resetAt = latest
    this.#serverReset = serverReset
    this.#openerSentAt = sentAt
  }

  #relate(headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    return this.resetAt === undefined
      ? this.#relateToPast(headers, sentAt)
      : this.#relateToOpen(this.resetAt, headers, sentAt, now)
  }

  #relateToOpen(resetAt: number, headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    const older: Relation = sentAt < this.#openerSentAt ? "stale" : "newer"
    if (headers.reset !== undefined && this.#serverReset !== undefined) {
      if (Math.abs(headers.reset - this.#serverReset) <= sameReset) return "same"
      return headers.reset < this.#serverReset ? older : "newer"
    }
    if (headers.resetAfter === undefined) return "same"
    if (sentAt + headers.resetAfter > resetAt) return "newer"
    return now + headers.resetAfter < (this.resetEarliest ?? 0) ? older : "same"
  }

  #relateToPast(headers: RateLimitHeaders, sentAt: number): Relation {
    const past = this.#past
    // The server's clock may jump, so only a request from before the reset can be a late answer.
    if (past === undefined || sentAt >= past.rolledAt) return "newer"
    if (headers.reset !== undefined && past.serverReset !== undefined) {
      return headers.reset <= past.serverReset + sameReset ? "stale" : "newer"
    }
    return sentAt + (headers.resetAfter ?? 0) <= past.resetAt ? "stale" : "newer"
  }

  /**
   * Two requests answered before the first one's reset share one window if it is fixed; if the
   * reset has moved all the same, the slots leak back one by one.
   */
  #learnModel(relation: "same" | "newer", sentAt: number, now: number): void {
    if (this.resetEarliest === undefined || sentAt < this.#openerSentAt) return
    if (now >= this.resetEarliest) return
    this.model = relation === "same" ? "fixed" : "leaking"
  }
}
