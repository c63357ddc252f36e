/**
 * The window of one bucket: the server's values, our requests, when slots return, and estimates of resets,
 * slots and round trips. Pure bookkeeping on times passed by the caller (milliseconds on a monotonic
 * clock).
 */
import type { Model, RoundTrip } from "../Bucket.js"
import type { RateLimitHeaders } from "../RateLimitHeaders.js"

/** Reset and Reset-After are rounded up to a millisecond. */
const roundedUp = 1

/** Number of responses, and of resets, in a generation. */
const generationSize = 64

/** Statistics of recent round trips, in two generations, so that old extremes expire. */
export class RoundTrips implements RoundTrip {
  last: number
  shortest: number
  longest: number
  count: number
  uncertainty: number | undefined
  /** The extremes since this generation began, which replace the others at its end. */
  nextShortest: number
  nextLongest: number
  responses = 0
  nextUncertainty: number
  resets = 0

  constructor({
    last,
    count = 1,
    longest = last,
    shortest = last,
    uncertainty,
  }: Pick<RoundTrip, "last"> & Partial<RoundTrip>) {
    this.last = last
    this.count = count
    this.shortest = this.nextShortest = shortest
    this.longest = this.nextLongest = longest
    this.uncertainty = uncertainty
    this.nextUncertainty = uncertainty ?? Infinity
    if (uncertainty !== undefined) this.resets = 1
  }

  add(milliseconds: number): void {
    if (this.responses === generationSize) {
      this.shortest = this.nextShortest
      this.longest = this.nextLongest
      this.nextShortest = this.nextLongest = milliseconds
      this.responses = 0
    }
    this.responses += 1
    this.count += 1
    this.last = milliseconds
    this.nextShortest = Math.min(this.nextShortest, milliseconds)
    this.nextLongest = Math.max(this.nextLongest, milliseconds)
    this.shortest = Math.min(this.shortest, milliseconds)
    this.longest = Math.max(this.longest, milliseconds)
  }

  /** Records the uncertainty of a past reset. */
  addResetUncertainty(uncertainty: number): void {
    if (this.resets === generationSize) {
      this.uncertainty = this.nextUncertainty
      this.nextUncertainty = uncertainty
      this.resets = 0
    }
    this.resets += 1
    this.nextUncertainty = Math.min(this.nextUncertainty, uncertainty)
    this.uncertainty = Math.min(this.uncertainty ?? uncertainty, uncertainty)
  }
}

/** A reset: its time on the server's clock, and its bounds on the clock of this process. */
export interface MovingReset {
  readonly server: number
  readonly earliest: number
  readonly latest: number
  /** The time of the observation. */
  readonly at: number
}

/** Maximum drift between two clocks: the most that NTP corrects. */
const maxClockDrift = 1 / 2000

/**
 * Narrows the bounds of a reset by those of an earlier one. Each window has its own reset, but two of
 * them are equally far apart on the server's clock and on that of this process.
 */
export function narrowReset(before: MovingReset | undefined, observed: MovingReset): MovingReset {
  if (before === undefined) return observed
  const moved = observed.server - before.server
  const slack = Math.max(0, observed.at - before.at) * maxClockDrift
  const earliest = Math.max(observed.earliest, before.earliest + moved - slack)
  const latest = Math.min(observed.latest, before.latest + moved + slack)
  // One of the clocks has jumped, so the earlier bounds are void.
  return earliest > latest
    ? observed
    : { server: observed.server, earliest, latest, at: observed.at }
}

/** Whether a clock has jumped between two responses, because their resets contradict each other. */
function hasJumped(before: MovingReset | undefined, observed: MovingReset): boolean {
  return before !== undefined && narrowReset(before, observed) === observed
}

/** Estimates the time of a slot on a leaking bucket from the resets of its responses. */
export class SlotTime {
  /** The largest lower bound that a single response has shown. `least` and `most` are from pairs of responses. */
  alone: number
  least = 0
  most = Infinity
  /** The first and the latest reset on the server's clock since the bucket was last full. */
  first = 0
  latest = -Infinity

  constructor(least = 0) {
    this.alone = least
  }

  /** Lower bound in milliseconds; 0 if unknown. */
  get min(): number {
    return Math.max(this.alone, this.least)
  }

  add(headers: RateLimitHeaders, limit: number | undefined): void {
    this.#boundAlone(headers, limit)
    const { reset, resetAfter } = headers
    // The bucket may have been full before a response that was overtaken.
    if (reset === undefined || resetAfter === undefined || reset < this.latest) return
    const isFirst = reset - resetAfter >= this.latest - roundedUp
    if (!isFirst) {
      this.#boundTogether(reset - this.latest)
      this.#boundTogether(reset - this.first)
    }
    this.latest = reset
    if (isFirst) this.first = reset
    if (this.min <= this.most) return
    // The server's clock has jumped, or it counts differently.
    this.first = reset
    this.least = 0
    this.most = Infinity
  }

  /** Used slots return until the reset: part of the last one, and all of the others. */
  #boundAlone({ remaining, resetAfter }: RateLimitHeaders, limit: number | undefined): void {
    if (limit === undefined || remaining === undefined || resetAfter === undefined) return
    const usedSlots = limit - remaining
    if (usedSlots < 1) return
    this.alone = Math.max(this.alone, (resetAfter - roundedUp) / usedSlots)
    if (usedSlots > 1) this.most = Math.min(this.most, resetAfter / (usedSlots - 1))
  }

  /** Applies the distance if it is a unique number of whole slots. */
  #boundTogether(distance: number): void {
    if (distance <= roundedUp || this.min <= 0) return
    const minSlots = Math.max(1, Math.ceil((distance - roundedUp) / this.most))
    const maxSlots = Math.floor((distance + roundedUp) / this.min)
    if (maxSlots < 1) return
    this.most = Math.min(this.most, (distance + roundedUp) / minSlots)
    if (maxSlots === minSlots) this.least = Math.max(this.least, (distance - roundedUp) / minSlots)
  }
}

/** How a response relates to the current window. */
type Relation = "same" | "newer" | "stale"

/** Two resets on the server's clock closer than this (milliseconds) are one: the header is rounded. */
const sameReset = 10

/** The previous window, to recognize its late responses. */
interface Past {
  readonly resetAt: number
  readonly rolledAt: number
  readonly reset: number | undefined
}

/** One window of a bucket: its limit, what is left, and when it ends. */
export class Window {
  limit: number | undefined = undefined
  model: Model = "unknown"
  /** The longest observed time to a reset under this limit. */
  period: number | undefined = undefined
  /** On a leaking bucket: the observed milliseconds between the return of two slots. */
  slot: number | undefined = undefined
  /** The latest possible end of the window. */
  resetAt: number | undefined = undefined
  resetEarliest: number | undefined = undefined

  /** Estimates `slot`, even before the bucket is known to leak. */
  slotTime = new SlotTime()
  /** Our requests that this window has or may have counted. */
  used = 0
  /** The lowest `remaining` of the server in this window. */
  floor = Infinity
  /** The end of the window on the server's clock. */
  reset: number | undefined = undefined
  /** The times of sending and of the response of the request that opened the window. */
  sentAt = -Infinity
  openedAt = -Infinity
  /** The time of sending of the request whose response had the limit. */
  limitSentAt = -Infinity
  /**
   * Requests without a response, the last abandoned at `doubtedAt`, until there is a response to a request sent
   * later. Any other response may not include them.
   */
  doubtful = 0
  doubtedAt = -Infinity
  /** Of `used`: requests that the server counted in this window before it first described it. */
  unseen = 0
  past: Past | undefined = undefined
  /** The last reset with a time on the server's clock. */
  observed: MovingReset | undefined = undefined

  /** Initializes from another webhook's window, before the first response on this one. */
  guess(other: Pick<Window, "limit" | "model" | "period" | "slot">): void {
    this.limit = other.limit
    this.model = other.model
    this.period = other.period
    this.slot = other.slot
    this.slotTime = new SlotTime(other.slot)
  }

  /** Slots left, without subtracting requests in flight. */
  get remaining(): number {
    const ownRemaining = this.limit === undefined ? Infinity : this.limit - this.used
    return Math.max(0, Math.min(this.floor, ownRemaining))
  }

  /**
   * Restores all slots if the window is over for a request sent now, which may be `lead` before the
   * reset. Returns the number of unused slots, or `undefined`.
   */
  roll(now: number, lead = 0): number | undefined {
    if (this.resetAt === undefined || now < this.resetAt - lead) return undefined
    const unused = this.remaining
    this.past = { resetAt: this.resetAt, rolledAt: now, reset: this.reset ?? this.past?.reset }
    this.resetAt = undefined
    this.resetEarliest = undefined
    this.reset = undefined
    this.floor = Infinity
    this.unseen = 0
    this.#carryOver(now)
    return unused
  }

  /** Requests that may have been counted after the reset also count in the next window. */
  #carryOver(now: number): void {
    const until = this.doubtedAt + (this.period ?? 0)
    this.used = this.model === "leaking" || until <= now ? 0 : this.doubtful
    if (this.used > 0) this.#open(now, until, undefined, now, now)
  }

  /**
   * Counts a request that the server has or may have counted until now. On a bucket that may leak, it
   * may have arrived after the ones that are still `inFlight`.
   */
  consume(sentAt: number, now: number, inFlight = 0): void {
    this.used += 1
    this.floor -= 1
    this.doubtful = Math.min(this.doubtful + 1, this.limit ?? Infinity)
    this.doubtedAt = now
    const { period, resetAt } = this
    if (period === undefined) return
    if (resetAt === undefined) {
      this.#open(sentAt + period, now + period + this.#refill(inFlight), undefined, sentAt, now)
    } else if (this.model !== "fixed") this.resetAt = Math.max(resetAt, now) + this.#refill(1)
  }

  /** On a bucket that may leak, every used slot delays the time at which it is full. */
  #refill(slots: number): number {
    if (this.model === "fixed") return 0
    return slots * (this.slot === undefined ? (this.period ?? 0) : this.slot + roundedUp)
  }

  /** Applies a response while other requests are `inFlight`. A request with a 429 (`isLimited`) was not counted. */
  onResponse(
    headers: RateLimitHeaders,
    sentAt: number,
    now: number,
    isLimited: boolean,
    inFlight?: number,
  ): void {
    const { limit, remaining, resetAfter } = headers
    if (limit === undefined && remaining === undefined && resetAfter === undefined) {
      if (!isLimited && this.limit !== undefined) this.consume(sentAt, now, inFlight)
      return
    }
    if (sentAt > this.doubtedAt) this.doubtful = 0
    if (resetAfter === 0 && !isLimited && this.limit !== undefined && this.period !== undefined) {
      this.#openUnseen(this.period, sentAt, now)
      return
    }
    const relation = this.#relate(headers, sentAt, now)
    if (relation === "stale") return
    if (limit === undefined || limit === this.limit) {
      this.slotTime.add(headers, this.limit)
      // A request with a 429 changes nothing.
      if (!isLimited) this.#learnModel(relation, headers, sentAt, now)
    } else {
      this.#setLimit(limit, sentAt)
      this.slotTime.add(headers, this.limit)
    }
    const counted = isLimited ? 0 : 1
    if (resetAfter === undefined) this.#lowerRemaining(remaining, counted)
    else if (relation === "same") {
      this.#lowerRemaining(remaining, counted)
      const { earliest, latest } = this.#bounds(headers.reset, resetAfter, sentAt, now)
      this.resetEarliest = Math.max(this.resetEarliest ?? 0, earliest)
      this.resetAt = Math.min(this.resetAt ?? Infinity, latest)
    } else {
      this.#startWindow(remaining, counted)
      const { earliest, latest } = this.#bounds(headers.reset, resetAfter, sentAt, now)
      const last = Math.max(latest, this.doubtedAt) + this.#refill(this.doubtful)
      this.#open(earliest, last, headers.reset, sentAt, now)
    }
    if (!isLimited && resetAfter !== undefined) {
      this.period = Math.max(this.period ?? 0, resetAfter)
    }
  }

  /**
   * Headers of a past window describe it before the request, which was counted in a window that it
   * opened.
   */
  #openUnseen(period: number, sentAt: number, now: number): void {
    if (this.reset !== undefined && sentAt <= this.openedAt) {
      this.used += 1
      return
    }
    this.unseen = 1
    this.used = this.doubtful + 1
    this.floor = Infinity
    this.#open(sentAt + period, now + period, undefined, sentAt, now)
  }

  /** The bounds of the reset that a response names. */
  #bounds(
    server: number | undefined,
    resetAfter: number,
    sentAt: number,
    now: number,
  ): { readonly earliest: number; readonly latest: number } {
    const alone = { earliest: sentAt + resetAfter, latest: now + resetAfter }
    const observed = movingReset(server, resetAfter, sentAt, now)
    if (observed === undefined) return alone
    this.observed = narrowReset(this.observed, observed)
    const { earliest, latest } = this.observed
    return {
      earliest: Math.max(alone.earliest, earliest - roundedUp),
      latest: Math.min(alone.latest, latest + roundedUp),
    }
  }

  /** Applies a new limit, unless a later request's response has already set it. */
  #setLimit(limit: number, sentAt: number): void {
    if (sentAt < this.limitSentAt) return
    this.limitSentAt = sentAt
    this.limit = limit
    this.model = "unknown"
    this.period = undefined
    this.slot = undefined
    this.slotTime = new SlotTime()
  }

  /** Within a window `remaining` only falls; without a known window, the last value counts. */
  #lowerRemaining(remaining: number | undefined, counted: number): void {
    if (this.resetAt === undefined) {
      this.floor = remaining ?? this.floor - counted
    } else {
      this.used += counted
      this.floor = Math.min(
        this.floor,
        remaining === undefined ? this.floor - counted : remaining - this.doubtful,
      )
    }
  }

  /** Starts a window: only requests that may be counted after this response still count. */
  #startWindow(remaining: number | undefined, counted: number): void {
    this.used = (this.resetAt === undefined ? this.used : this.doubtful + this.unseen) + counted
    this.unseen = 0
    this.floor = (remaining ?? Infinity) - this.doubtful
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
    this.reset = serverReset
    this.sentAt = sentAt
    this.openedAt = now
  }

  #relate(headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    return this.resetAt === undefined
      ? this.#relateToPast(headers, sentAt, now)
      : this.#relateToOpen(this.resetAt, headers, sentAt, now)
  }

  #relateToOpen(resetAt: number, headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    // The server's clock may jump back, so only a request sent before the other's response is older.
    const older: Relation = sentAt <= this.openedAt ? "stale" : "newer"
    if (headers.reset !== undefined && this.reset !== undefined) {
      if (Math.abs(headers.reset - this.reset) <= sameReset) return "same"
      return headers.reset < this.reset ? older : "newer"
    }
    if (headers.resetAfter === undefined) return "same"
    // The server's window replaces an assumed one, unless it is over.
    if (headers.reset !== undefined) return this.#relateToPast(headers, sentAt, now)
    if (sentAt + headers.resetAfter > resetAt) return "newer"
    return now + headers.resetAfter < (this.resetEarliest ?? 0) ? older : "same"
  }

  #relateToPast(headers: RateLimitHeaders, sentAt: number, now: number): Relation {
    const past = this.past
    // The server's clock may jump, so only the response to a request sent before the reset can be late.
    if (past === undefined || sentAt >= past.rolledAt) return "newer"
    if (headers.reset !== undefined) {
      const isPast = headers.reset <= (past.reset ?? -Infinity) + sameReset
      return isPast ? "stale" : "newer"
    }
    // A request in flight for less than a window cannot have been counted in a later one.
    if (now - sentAt >= (this.period ?? 0)) return "newer"
    return sentAt + (headers.resetAfter ?? 0) <= past.resetAt ? "stale" : "newer"
  }

  /**
   * Two responses before the first one's reset share a fixed window. If the reset has moved
   * nevertheless, the bucket leaks.
   */
  #learnModel(
    relation: "same" | "newer",
    { reset, resetAfter }: RateLimitHeaders,
    sentAt: number,
    now: number,
  ): void {
    if (this.resetEarliest === undefined || sentAt < this.sentAt) return
    if (now >= this.resetEarliest) return
    // An assumed window proves nothing.
    if (reset !== undefined && this.reset === undefined) return
    // A reset that has moved with the server's clock shows nothing about the bucket.
    const observed = relation === "newer" ? movingReset(reset, resetAfter, sentAt, now) : undefined
    if (observed !== undefined && hasJumped(this.observed, observed)) return
    this.model = relation === "same" ? "fixed" : "leaking"
    if (relation === "same" || reset === undefined || this.reset === undefined) return
    if (this.slotTime.min > 0) this.slot = this.slotTime.min
  }
}

/** The reset of a response, if it has a time on the server's clock. */
function movingReset(
  server: number | undefined,
  resetAfter: number | undefined,
  sentAt: number,
  now: number,
): MovingReset | undefined {
  if (server === undefined || resetAfter === undefined) return undefined
  return { server, earliest: sentAt + resetAfter, latest: now + resetAfter, at: now }
}
