/**
 * Limits behind the visible ones. Discord is known to take about 30 messages a minute on a channel
 * while its headers show 5 per 2 s; only a 429 with a long Retry-After tells.
 *
 * Such a 429 names the end of the hidden window, and the first of our own requests since the last
 * one its start: hence its length, and what fits into it. A window of the one length that is known
 * of Discord is believed at once, any other when it is seen a second time. A 429 in spite of a
 * belief lowers it, and every window without one raises it again, up to what was seen to fit.
 */
import * as Duration from "effect/Duration"

/** `limit` requests in each `period` (milliseconds), which opens with its first request. */
interface Belief {
  readonly limit: number
  /** The most that has been seen to fit. */
  readonly most: number
  readonly period: number
  /** When a 429 last agreed with it. */
  readonly confirmedAt: number
  /** How many 429s have told so. */
  readonly evidence: number
}

export interface Hidden {
  /** When the present hidden window opened; `undefined` before its first request. */
  readonly openedAt: number | undefined
  /** Requests in it. */
  readonly count: number
  /** The end of the last block. */
  readonly freedAt: number | undefined
  readonly belief: Belief | undefined
  /** Seen once; believed when seen again. */
  readonly suspicion: Belief | undefined
}

export const initial: Hidden = {
  openedAt: undefined,
  count: 0,
  freedAt: undefined,
  belief: undefined,
  suspicion: undefined,
}

/** Retry-After may come in whole seconds, so the end of a hidden window is known no better. */
const slack = 1200

/** Discord: issues 1454 and 4043 of its documentation. */
const knownPeriod = Duration.toMillis("1 minute")

/** A belief that no 429 has confirmed for so long is given up, at the price of one 429. */
const lifetime = Duration.toMillis("1 hour")

/** A request goes. */
export function sent(hidden: Hidden, at: number): Hidden {
  const { openedAt } = hidden
  if (openedAt !== undefined && at < openedAt + (hidden.belief?.period ?? Infinity)) {
    return { ...hidden, count: hidden.count + 1 }
  }
  const belief = isAlive(hidden.belief, at) ? hidden.belief : undefined
  return {
    ...hidden,
    belief: belief && openedAt !== undefined ? raised(belief) : belief,
    openedAt: at,
    count: 1,
  }
}

/** The server did not count a request. */
export function uncounted(hidden: Hidden): Hidden {
  return { ...hidden, count: Math.max(0, hidden.count - 1) }
}

/** A 429 that the visible window does not explain, to a request of `sentAt`. */
export function refused(hidden: Hidden, sentAt: number, retryAfter: number): Hidden {
  // All instants on the clock of sending, so that they are off by the same.
  const freedAt = sentAt + retryAfter
  const over = { ...hidden, openedAt: undefined, count: 0, freedAt }
  const limit = hidden.count - 1
  if (hidden.openedAt === undefined || limit < 1) return over
  // Where only one fits, slots leak back one by one, whether or not a request was there in time.
  const start = limit === 1 ? (hidden.freedAt ?? hidden.openedAt) : hidden.openedAt
  const period = freedAt - start
  const isKnown = Math.abs(period - knownPeriod) <= slack
  const seen = {
    limit,
    most: limit,
    period: isKnown ? knownPeriod : period,
    confirmedAt: sentAt,
    evidence: ((hidden.belief ?? hidden.suspicion)?.evidence ?? 0) + 1,
  }
  if (hidden.belief === undefined && isKnown) return { ...over, belief: seen }
  if (agree(hidden.belief, seen) || agree(hidden.suspicion, seen)) {
    return { ...over, belief: seen, suspicion: undefined }
  }
  return { ...over, belief: hidden.belief && lowered(hidden.belief, seen), suspicion: seen }
}

/** The instant from which the next request may go, as far as hidden limits are concerned; 0 for now. */
export function opensAt(hidden: Hidden, margin: number): number {
  const { belief, openedAt, count } = hidden
  if (belief === undefined || openedAt === undefined || count < belief.limit) return 0
  return openedAt + belief.period + margin
}

/** What one webhook has learned, for another: the limit, not what was used of it. */
export function inherited(hidden: Hidden): Hidden {
  return { ...initial, belief: hidden.belief }
}

function isAlive(belief: Belief | undefined, now: number): boolean {
  return belief !== undefined && now - belief.confirmedAt < lifetime
}

function agree(a: Belief | undefined, b: Belief): boolean {
  return (
    a !== undefined &&
    Math.abs(a.limit - b.limit) <= Math.max(1, a.limit / 10) &&
    Math.abs(a.period - b.period) <= Math.max(slack / 2, a.period / 10)
  )
}

function lowered(belief: Belief, seen: Belief): Belief {
  const { confirmedAt, evidence } = seen
  return { ...belief, limit: Math.min(belief.limit, seen.limit), confirmedAt, evidence }
}

function raised(belief: Belief): Belief {
  return { ...belief, limit: Math.min(belief.most, belief.limit + Math.ceil(belief.most / 10)) }
}
