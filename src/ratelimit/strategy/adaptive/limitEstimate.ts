/**
 * A limit that no header shows, as far as 429 responses have revealed it, and when to test it.
 *
 * Some servers add a window to the delay of every early request, and a single stray 429 lowers the
 * limit, so what a 429 reveals may be too strict. A probe tests it: a window ends earlier than
 * assumed, or one request more is sent than assumed to fit. A probe costs at most one 429, because
 * nothing else is sent until its response arrives. Each punished probe doubles the number of clean
 * windows before the next of its kind, so the price is logarithmic in the number of windows.
 */

/** What one 429 reveals: `limit` requests in each `period` (milliseconds). */
export interface Sighting {
  readonly limit: number
  readonly period: number
  /** No shorter period is probed. */
  readonly shortest: number
  readonly at: number
}

/** Which assumption a probe tests. */
export type ProbeKind = keyof Schedules

/** When to probe: after `interval` windows that were full and clean, of which `clean` have passed. */
interface Schedule {
  readonly interval: number
  readonly clean: number
}

interface Schedules {
  /** A shorter period. */
  readonly shorter: Schedule
  /** The limit that was in force before a 429 lowered it. */
  readonly restore: Schedule
  /** A limit above all that was ever seen to fit. */
  readonly more: Schedule
}

/** `limit` requests in each `period` (milliseconds), which starts with its first request. */
export interface Belief {
  readonly limit: number
  /** The largest number of requests that was seen to fit. */
  readonly most: number
  readonly period: number
  /** A period of this length led to a 429, or is not worth probing. */
  readonly shortest: number
  /** Whether a probe found `period`, although 429 responses name a longer one. */
  readonly isShortened: boolean
  /** When a 429 last agreed with it. */
  readonly confirmedAt: number
  /** Number of 429 responses that agreed with it. */
  readonly evidence: number
  /** Number of windows in a row whose first request got a 429, so that the period is too short. */
  readonly refusedStarts: number
  readonly schedules: Schedules
}

/** Retry-After may be in whole seconds, which bounds the precision of a window's end. */
const slack = 1200

/** Milliseconds; Discord: issues 1454 and 4043 of its documentation. */
const knownPeriod = 60_000

/** Milliseconds without a confirming 429 after which an estimate is probed or, if it leaks, dropped. */
const lifetime = 3_600_000

/** A probe of a shorter period that could save less than this share of it is not made. */
const minGain = 0.05

/** Windows before the first probe of an estimate that is likely to be right. */
const patience = 32

/** Number of consecutive windows that were too short before the estimate is dropped. */
const maxRefusedStarts = 2

const never: Schedule = { interval: Infinity, clean: 0 }
const every: Schedule = { interval: 1, clean: 0 }
const rarely: Schedule = { interval: patience, clean: 0 }

/** Whether the period is Discord's known minute, which is assumed at once. */
export function isKnown({ period }: Sighting): boolean {
  return Math.abs(period - knownPeriod) <= slack
}

/**
 * The first probe of a shorter period comes at once by default, late if the period is Discord's known minute, and never
 * if the limit leaks, since the delays of two 429 responses are then exactly one slot apart.
 */
export type Origin = "unknown" | "discord" | "leaking"

export function believe(seen: Sighting, evidence: number, origin: Origin): Belief {
  const isLeaking = origin === "leaking"
  return {
    limit: seen.limit,
    most: seen.limit,
    period: isKnown(seen) ? knownPeriod : seen.period,
    shortest: Math.min(seen.shortest, seen.period),
    isShortened: false,
    confirmedAt: seen.at,
    evidence,
    refusedStarts: 0,
    schedules: {
      shorter: isLeaking ? never : origin === "discord" ? rarely : every,
      restore: every,
      more: isLeaking ? never : rarely,
    },
  }
}

/** The estimate when a window opens; `undefined` if it is dropped. */
export function renewed(belief: Belief, now: number): Belief | undefined {
  if (belief.refusedStarts >= maxRefusedStarts) return undefined
  if (now - belief.confirmedAt < lifetime) return belief
  const { interval } = belief.schedules.more
  return Number.isFinite(interval)
    ? scheduled(belief, "more", { interval, clean: interval })
    : undefined
}

/** Whether two observations agree: within a tenth, or the uncertainty of the delay. */
export function agree(a: Pick<Sighting, "limit" | "period">, b: Sighting): boolean {
  return isSameLimit(a, b) && Math.abs(a.period - b.period) <= tolerance(a.period)
}

/** Whether the estimate predicts a 429. If a probe shortened the period, delays may be longer. */
export function predicts(belief: Belief, seen: Sighting): boolean {
  if (!belief.isShortened) return agree(belief, seen)
  return isSameLimit(belief, seen) && seen.period >= belief.period - tolerance(belief.period)
}

/** Confirms the estimate after a 429 that it predicted. */
export function confirmed(belief: Belief, seen: Sighting): Belief {
  const period = belief.isShortened ? belief.period : seen.period
  return {
    ...belief,
    limit: seen.limit,
    most: Math.max(belief.most, seen.limit),
    period: isKnown(seen) && !belief.isShortened ? knownPeriod : period,
    shortest: Math.min(belief.shortest, period),
    confirmedAt: seen.at,
    evidence: belief.evidence + 1,
  }
}

/** Lowers the limit to what fitted, until a probe, after a 429 that the estimate did not predict. */
export function lowered(belief: Belief, seen: Sighting): Belief {
  const { interval } = belief.schedules.restore
  return {
    ...scheduled(belief, "restore", { interval, clean: 0 }),
    limit: Math.min(belief.limit, seen.limit),
    confirmedAt: seen.at,
    evidence: belief.evidence + 1,
  }
}

/**
 * Combines the estimates of two webhooks of one channel. Each has counted its own requests only, so the
 * limit is between the larger one and their sum; probes find it. Equal ones are of one origin.
 */
export function combined(a: Belief, b: Belief): Belief {
  const more = a.evidence < b.evidence ? b : a
  const limit = Math.max(a.limit, b.limit)
  return a.limit === b.limit
    ? more
    : scheduled({ ...more, limit, most: a.limit + b.limit }, "restore", every)
}

/** Records a full window without a 429. */
export function clean(belief: Belief): Belief {
  const { shorter, restore, more } = belief.schedules
  return {
    ...belief,
    schedules: { shorter: later(shorter), restore: later(restore), more: later(more) },
  }
}

/** Milliseconds until the next window: half-way to the shortest period if a probe is due. */
export function windowLength({ limit, most, period, shortest, schedules }: Belief): number {
  const isWorthwhile = period - shortest > period * minGain
  // Below the real limit an early request may be taken although the window is not over.
  const isFull = limit >= most
  return isDue(schedules.shorter) && isWorthwhile && isFull ? (period + shortest) / 2 : period
}

/** Maximum number of requests in the current window; probes add one at a time. */
export function maxRequests({ limit, most, schedules }: Belief): number {
  if (isDue(schedules.more)) return Infinity
  return isDue(schedules.restore) ? most : limit
}

/** Sets the period after a probe has succeeded. */
export function shortened(belief: Belief, period: number): Belief {
  return { ...belief, period, isShortened: true }
}

/** Records the number of requests that fitted into one window. */
export function raised(belief: Belief, limit: number): Belief {
  const most = Math.max(belief.most, limit)
  const raisedTo = { ...belief, limit: Math.max(belief.limit, limit), most }
  return limit < most ? raisedTo : scheduled(raisedTo, "restore", every)
}

/** Records a probe with a 429: the next one waits twice as long. */
export function punished(belief: Belief, kind: ProbeKind, elapsed: number, at: number): Belief {
  const { interval } = belief.schedules[kind]
  const next = scheduled(belief, kind, { interval: interval * 2, clean: 0 })
  const shortest = kind === "shorter" ? Math.max(belief.shortest, elapsed) : belief.shortest
  return { ...next, shortest, confirmedAt: at }
}

/** Records a 429 of a window's first request, which means that the window before lasts longer. */
export function refusedStart(belief: Belief, period: number): Belief {
  const isClose = Math.abs(period - belief.period) <= tolerance(belief.period)
  return isClose ? { ...belief, period } : { ...belief, refusedStarts: belief.refusedStarts + 1 }
}

/** Full and clean windows until each probe is due; `null` where there is nothing to test. */
export function cleanWindowsToProbe(belief: Belief): Readonly<Record<ProbeKind, number | null>> {
  const { shorter, restore, more } = belief.schedules
  return {
    shorter: toGo(shorter),
    restore: belief.limit < belief.most ? toGo(restore) : null,
    more: toGo(more),
  }
}

function toGo({ interval, clean: passed }: Schedule): number | null {
  return Number.isFinite(interval) ? Math.max(0, interval - passed) : null
}

function scheduled(belief: Belief, kind: ProbeKind, schedule: Schedule): Belief {
  return { ...belief, schedules: { ...belief.schedules, [kind]: schedule } }
}

function later({ interval, clean: before }: Schedule): Schedule {
  return { interval, clean: before + 1 }
}

function isDue({ interval, clean: passed }: Schedule): boolean {
  return passed >= interval
}

function isSameLimit(a: { readonly limit: number }, b: { readonly limit: number }): boolean {
  return Math.abs(a.limit - b.limit) <= Math.max(1, a.limit / 10)
}

function tolerance(period: number): number {
  return Math.max(slack / 2, period / 10)
}
