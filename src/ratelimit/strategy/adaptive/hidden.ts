/**
 * Limits behind the visible ones. Discord is known to take about 30 messages a minute on a channel
 * while its headers show 5 per 2 s; only a 429 with a long Retry-After tells.
 *
 * Such a 429 names the end of the hidden window, and our own sends its start, since a window opens
 * with a request: hence its length, and what fits into it. A window of the one length that is known
 * of Discord is believed at once, any other when it is seen a second time.
 */
import * as Duration from "effect/Duration"

/** `limit` requests in each `period` (milliseconds), which opens with its first request. */
export interface Belief {
  readonly limit: number
  readonly period: number
  /** When a 429 last agreed with it. */
  readonly confirmedAt: number
  /** How many 429s have told so. */
  readonly evidence: number
}

/** Requests close to each other, counted together. */
interface Burst {
  readonly at: number
  readonly count: number
}

export interface Hidden {
  /** The requests of late, oldest first. */
  readonly bursts: ReadonlyArray<Burst>
  /** When the present hidden window opened; `undefined` before its first request. */
  readonly openedAt: number | undefined
  /** Requests in it. */
  readonly count: number
  readonly belief: Belief | undefined
  readonly suspicion: Belief | undefined
}

export const initial: Hidden = {
  bursts: [],
  openedAt: undefined,
  count: 0,
  belief: undefined,
  suspicion: undefined,
}

const burstLength = 250
const mostBursts = 64

/** Retry-After may come in whole seconds, so the end of a hidden window is known no better. */
const slack = 1200

/** Discord: issues 1454 and 4043 of its documentation. */
const knownPeriod = Duration.toMillis("1 minute")

/** A belief that no 429 has confirmed for so long is given up, at the price of one 429. */
const lifetime = Duration.toMillis("1 hour")

/** A request goes. */
export function sent(hidden: Hidden, at: number): Hidden {
  const opens = hidden.openedAt === undefined || at >= endOf(hidden, hidden.openedAt)
  return {
    ...hidden,
    belief: isAlive(hidden.belief, at) ? hidden.belief : undefined,
    bursts: logged(hidden.bursts, at),
    openedAt: opens ? at : hidden.openedAt,
    count: opens ? 1 : hidden.count + 1,
  }
}

/** A request that went at `sentAt` was not counted by the server. */
export function uncounted(hidden: Hidden, sentAt: number): Hidden {
  return {
    ...hidden,
    count: Math.max(0, hidden.count - 1),
    bursts: hidden.bursts.map((burst) =>
      sentAt >= burst.at && sentAt < burst.at + burstLength
        ? { at: burst.at, count: burst.count - 1 }
        : burst,
    ),
  }
}

/** A 429 that the visible window does not explain, to a request of `sentAt`. */
export function refused(hidden: Hidden, sentAt: number, retryAfter: number): Hidden {
  const without = uncounted(hidden, sentAt)
  const next = { ...without, openedAt: undefined, count: 0 }
  // On the clock of sending, so that both ends of the window are off by the same.
  const end = sentAt + retryAfter
  const known = windowOfKnownPeriod(without, end)
  const guess = known ?? windowSince(without, end)
  if (guess === undefined) return next
  const seen = { ...guess, confirmedAt: sentAt, evidence: 1 }
  const before = without.belief ?? without.suspicion
  const believed = { ...seen, evidence: (before?.evidence ?? 0) + 1 }
  if (known !== undefined || (before !== undefined && agree(before, seen))) {
    return { ...next, belief: believed, suspicion: undefined }
  }
  return without.belief === undefined || without.belief.evidence === 1
    ? { ...next, suspicion: seen }
    : { ...next, belief: lowered(without.belief, without, end, sentAt), suspicion: seen }
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

function endOf(hidden: Hidden, openedAt: number): number {
  return hidden.belief === undefined ? Number.POSITIVE_INFINITY : openedAt + hidden.belief.period
}

function isAlive(belief: Belief | undefined, now: number): boolean {
  return belief !== undefined && now - belief.confirmedAt < lifetime
}

function logged(bursts: ReadonlyArray<Burst>, at: number): ReadonlyArray<Burst> {
  const last = bursts[bursts.length - 1]
  return last !== undefined && at < last.at + burstLength
    ? [...bursts.slice(0, -1), { at: last.at, count: last.count + 1 }]
    : [...bursts.slice(1 - mostBursts), { at, count: 1 }]
}

type Window = Pick<Belief, "limit" | "period">

/** The window ends now and has the known length, if a request opened it just then. */
function windowOfKnownPeriod(hidden: Hidden, end: number): Window | undefined {
  const start = end - knownPeriod
  const opener = hidden.bursts.find((burst) => burst.at >= start - slack)
  if (opener === undefined || opener.at > start + slack) return undefined
  const before = hidden.bursts.some((one) => one.at < opener.at && one.at > opener.at - slack)
  return before ? undefined : { limit: countSince(hidden, opener.at), period: knownPeriod }
}

/** The window began with the first request since the last one ended. */
function windowSince(hidden: Hidden, end: number): Window | undefined {
  const { openedAt, count } = hidden
  return openedAt === undefined || count < 1 ? undefined : { limit: count, period: end - openedAt }
}

function countSince(hidden: Hidden, start: number): number {
  let count = 0
  for (const burst of hidden.bursts) if (burst.at >= start) count += burst.count
  return Math.max(1, count)
}

function agree(a: Window, b: Window): boolean {
  return (
    Math.abs(a.limit - b.limit) <= Math.max(1, a.limit / 10) &&
    Math.abs(a.period - b.period) <= Math.max(slack / 2, a.period / 10)
  )
}

/** A 429 in spite of a belief: fewer fit into the window, or it is longer. */
function lowered(belief: Belief, hidden: Hidden, end: number, at: number): Belief {
  const openedAt = hidden.openedAt ?? at
  return {
    limit: Math.max(1, Math.min(belief.limit, hidden.count)),
    period: Math.max(belief.period, end - openedAt),
    confirmedAt: at,
    evidence: belief.evidence + 1,
  }
}
