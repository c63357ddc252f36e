/**
 * One bucket's window: what the server said, what we sent, and when the slots come back.
 * Pure bookkeeping on instants given by the caller (milliseconds on a clock that only moves forward).
 */
import type { Model } from "../Bucket.js"
import type { RateLimitHeaders } from "../RateLimitHeaders.js"
import { hasJumped, type MovingReset, narrowReset, SlotTime } from "./resetEstimates.js"
/** How an answer stands to the window we know. */
type Relation = "same" | "newer" | "stale"

/** Two resets on the server's clock closer than this (milliseconds) are one: the header is rounded. */
const sameReset = 10

/** Reset and Reset-After are rounded up to a millisecond. */
const roundedUp = 1

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
  /** On a leaking bucket: milliseconds from one slot's return to the next, once seen. */
  slot: number | undefined = undefined
  /** From here on the window is over for certain. */
  resetAt: number | undefined = undefined
  resetEarliest: number | undefined = undefined

  /** What is known of `slot`, before it is known that the bucket leaks as well. */
  #slotTime = new SlotTime()
  /** Requests of ours that this window has counted, or may have. */
  #used = 0
  /** The least `remaining` the server has said in this window. */
  #floor = Number.POSITIVE_INFINITY
  #serverReset: number | undefined = undefined
  /** When the request was sent whose answer opened the window, and when it was answered. */
  #openerSentAt = 0
  #openedAt = 0
  /** When the request was sent whose answer named the limit. */
  #limitSentAt = Number.NEGATIVE_INFINITY
  /** Requests without a word from the server, the last given up at `#doubtedAt`. */
  #doubtful = 0
  #doubtedAt = Number.NEGATIVE_INFINITY
  /** Of `#used`: requests that the server counted in this window before it first described it. */
  #unseen = 0
  #past: Past | undefined = undefined
  /** The last reset that was told with its place on the server's clock. */
  #observedReset: MovingReset | undefined = undefined

  /** Takes it for one like another webhook's, before the first answer on this one. */
  guess(of: Pick<Window, "limit" | "model" | "period" | "slot">): void {
    this.limit = of.limit
    this.model = of.model
    this.period = of.period
    this.slot = of.slot
    this.#slotTime = new SlotTime(of.slot)
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
    this.#floor = Number.POSITIVE_INFINITY
    this.#used = 0
    this.#unseen = 0
    this.#carry(now)
    return unused
  }

  /** What may have been counted after the reset weighs on the next window, too. */
  #carry(now: number): void {
    const doubtful = this.#doubtful
    this.#doubtful = 0
    const until = this.#doubtedAt + (this.period ?? 0)
    if (doubtful === 0 || this.model === "leaking" || until <= now) return
    this.#used = doubtful
    this.#open(now, until, undefined, now, now)
  }

  /**
   * A request that the server has counted, or may have, at some instant until now. On a bucket that
   * may leak, it may have come behind the `others` that are still under way.
   */
  consume(sentAt: number, now: number, others = 0): void {
    this.#used += 1
    this.#floor -= 1
    this.#doubtful += 1
    this.#doubtedAt = now
    const { period, resetAt } = this
    if (period === undefined) return
    if (resetAt === undefined) {
      this.#open(sentAt + period, now + period + this.#refill(others), undefined, sentAt, now)
    } else if (this.model !== "fixed") this.resetAt = Math.max(resetAt, now) + this.#refill(1)
  }

  /** On a bucket that may leak, every slot makes the way back to the full longer. */
  #refill(slots: number): number {
    if (this.model === "fixed") return 0
    return slots * (this.slot === undefined ? (this.period ?? 0) : this.slot + roundedUp)
  }

  /** What an answer says. A refused request (429) was not counted. */
  onResponse(headers: RateLimitHeaders, sentAt: number, now: number, refused: boolean): void {
    const { limit, remaining, resetAfter } = headers
    if (limit === undefined && remaining === undefined && resetAfter === undefined) {
      if (!refused && this.limit !== undefined) this.consume(sentAt, now)
      return
    }
    if (resetAfter === 0 && !refused && this.limit !== undefined && this.period !== undefined) {
      this.#openUnseen(this.period, sentAt, now)
      return
    }
    const relation = this.#relate(headers, sentAt, now)
    if (relation === "stale") return
    if (limit === undefined || limit === this.limit) {
      this.#slotTime.add(headers, this.limit)
      // A refused request moves nothing.
      if (!refused) this.#learnModel(relation, headers, sentAt, now)
    } else {
      this.#change(limit, sentAt)
      this.#slotTime.add(headers, this.limit)
    }
    const counted = refused ? 0 : 1
    if (resetAfter === undefined) this.#fall(remaining, counted)
    else if (relation === "same") {
      this.#fall(remaining, counted)
      const { earliest, latest } = this.#bounds(headers.reset, resetAfter, sentAt, now)
      this.resetEarliest = Math.max(this.resetEarliest ?? 0, earliest)
      this.resetAt = Math.min(this.resetAt ?? Number.POSITIVE_INFINITY, latest)
    } else {
      this.#begin(remaining, counted, sentAt)
      const { earliest, latest } = this.#bounds(headers.reset, resetAfter, sentAt, now)
      this.#open(earliest, latest + this.#refill(this.#doubtful), headers.reset, sentAt, now)
    }
    if (!refused && resetAfter !== undefined) {
      this.period = Math.max(this.period ?? 0, resetAfter)
    }
  }

  /**
   * Headers of a window that is over describe it as it was before the request: the request was
   * counted in a window that opened with it.
   */
  #openUnseen(period: number, sentAt: number, now: number): void {
    if (this.#serverReset !== undefined && sentAt <= this.#openedAt) {
      this.#used += 1
      return
    }
    this.#unseen = 1
    this.#used = this.#doubtful + 1
    this.#floor = Number.POSITIVE_INFINITY
    this.#open(sentAt + period, now + period, undefined, sentAt, now)
  }

  /** Between which instants the reset is that an answer names. */
  #bounds(
    server: number | undefined,
    resetAfter: number,
    sentAt: number,
    now: number,
  ): { readonly earliest: number; readonly latest: number } {
    const alone = { earliest: sentAt + resetAfter, latest: now + resetAfter }
    const told = movingReset(server, resetAfter, sentAt, now)
    if (told === undefined) return alone
    this.#observedReset = narrowReset(this.#observedReset, told)
    const { earliest, latest } = this.#observedReset
    return {
      earliest: Math.max(alone.earliest, earliest - roundedUp),
      latest: Math.min(alone.latest, latest + roundedUp),
    }
  }

  /** The server has changed the limit, unless a later answer has told so before this one. */
  #change(limit: number, sentAt: number): void {
    if (sentAt < this.#limitSentAt) return
    this.#limitSentAt = sentAt
    this.limit = limit
    this.model = "unknown"
    this.period = undefined
    this.slot = undefined
    this.#slotTime = new SlotTime()
  }

  /** Within a window `remaining` only falls; where no window can be told, the last word counts. */
  #fall(remaining: number | undefined, counted: number): void {
    if (this.resetAt === undefined) {
      this.#floor = remaining ?? this.#floor - counted
    } else {
      this.#used += counted
      this.#floor = Math.min(this.#floor, remaining ?? this.#floor - counted)
    }
  }

  /** A new window: only what the server may have counted after this answer still weighs. */
  #begin(remaining: number | undefined, counted: number, sentAt: number): void {
    if (sentAt > this.#doubtedAt) this.#doubtful = 0
    this.#used = (this.resetAt === undefined ? this.#used : this.#doubtful + this.#unseen) + counted
    this.#unseen = 0
    this.#floor = (remaining ?? Number.POSITIVE_INFINITY) - this.#doubtful
  }

  #open(
    earliest: number,
    latest: number,
    serverReset: number | undefined,
    sentAt: number,
    now: number,
  ): void {
    this.resetEarliest = earliest
    this.resetAt = latest
    this.#serverReset = serverReset
    this.#openerSentAt = sentAt
    this.#openedAt = now
  }

  #relate(headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    return this.resetAt === undefined
      ? this.#relateToPast(headers, sentAt, now)
      : this.#relateToOpen(this.resetAt, headers, sentAt, now)
  }

  #relateToOpen(resetAt: number, headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    // The server's clock may jump back, so only a request sent by the time of the other's answer is older.
    const older: Relation = sentAt <= this.#openedAt ? "stale" : "newer"
    if (headers.reset !== undefined && this.#serverReset !== undefined) {
      if (Math.abs(headers.reset - this.#serverReset) <= sameReset) return "same"
      return headers.reset < this.#serverReset ? older : "newer"
    }
    if (headers.resetAfter === undefined) return "same"
    // A window that we have only guessed at gives way to the server's.
    if (headers.reset !== undefined) return "newer"
    if (sentAt + headers.resetAfter > resetAt) return "newer"
    return now + headers.resetAfter < (this.resetEarliest ?? 0) ? older : "same"
  }

  #relateToPast(headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    const past = this.#past
    // The server's clock may jump, so only a request from before the reset can be a late answer.
    if (past === undefined || sentAt >= past.rolledAt) return "newer"
    if (headers.reset !== undefined) {
      const isPast = headers.reset <= (past.serverReset ?? Number.NEGATIVE_INFINITY) + sameReset
      return isPast ? "stale" : "newer"
    }
    // Who was less than a window under way cannot have met a later one before its reset.
    if (now - sentAt >= (this.period ?? 0)) return "newer"
    return sentAt + (headers.resetAfter ?? 0) <= past.resetAt ? "stale" : "newer"
  }

  /**
   * Two requests answered before the first one's reset share one window if it is fixed; if the
   * reset has moved all the same, the slots leak back one by one.
   */
  #learnModel(
    relation: "same" | "newer",
    { reset, resetAfter }: RateLimitHeaders,
    sentAt: number,
    now: number,
  ): void {
    if (this.resetEarliest === undefined || sentAt < this.#openerSentAt) return
    if (now >= this.resetEarliest) return
    // A window that we have only guessed at proves nothing.
    if (reset !== undefined && this.#serverReset === undefined) return
    // A reset that has moved with the server's clock shows nothing about the bucket.
    const told = relation === "newer" ? movingReset(reset, resetAfter, sentAt, now) : undefined
    if (told !== undefined && hasJumped(this.#observedReset, told)) return
    this.model = relation === "same" ? "fixed" : "leaking"
    if (relation === "same" || reset === undefined || this.#serverReset === undefined) return
    if (this.#slotTime.min > 0) this.slot = this.#slotTime.min
  }
}

/** The reset that an answer names, if it gives its place on the server's clock. */
function movingReset(
  server: number | undefined,
  resetAfter: number | undefined,
  sentAt: number,
  now: number,
): MovingReset | undefined {
  if (server === undefined || resetAfter === undefined) return undefined
  return { server, earliest: sentAt + resetAfter, latest: now + resetAfter, at: now }
}
