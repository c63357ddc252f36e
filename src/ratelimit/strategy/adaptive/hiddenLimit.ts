/**
 * Detects hidden limits. Discord accepts about 30 messages a minute on a channel while its headers show
 * 5 per 2 s; only a 429 with a long Retry-After reveals it.
 *
 * Such a 429 gives the end of the hidden window, and our first request since the last such 429 its
 * start: hence its length and the number of requests that fit. Discord's known minute is assumed at
 * once, any other window when it is observed twice. A 429 that the estimate does not predict lowers it.
 * Probes test it in both directions (`limitEstimate.ts`).
 */
import type { Bucket } from "../../Bucket.js"
import {
  agree,
  type Belief,
  believe,
  clean,
  cleanWindowsToProbe,
  combined,
  confirmed,
  isKnown,
  lowered,
  maxRequests,
  type Origin,
  predicts,
  type ProbeKind,
  punished,
  raised,
  refusedStart,
  renewed,
  shortened,
  type Sighting,
  windowLength,
} from "./limitEstimate.js"

/** What headers show of the bucket. */
type Visible = Pick<Bucket, "channelInFlight" | "inFlight" | "limit" | "period">

/** A request beyond the estimate without a response yet. */
interface Probe {
  readonly kind: ProbeKind
  readonly sentAt: number
}

export interface Hidden {
  /** The start of the current hidden window; `undefined` before its first request. */
  readonly openedAt: number | undefined
  /** Milliseconds since the window before; `Infinity` if that was not full. */
  readonly elapsed: number
  /** Number of requests in it. */
  readonly count: number
  /** The end of the last block. */
  readonly freedAt: number | undefined
  readonly belief: Belief | undefined
  /** Observed once; assumed when observed again. */
  readonly suspicion: Sighting | undefined
  readonly probe: Probe | undefined
  /** The estimate before a probe opened this window, until it ends without a 429. */
  readonly before: Belief | undefined
  /** Whether responses after a 429 still belong to the window that it has revealed. */
  readonly isTail: boolean
}

export const initial: Hidden = {
  openedAt: undefined,
  elapsed: Infinity,
  count: 0,
  freedAt: undefined,
  belief: undefined,
  suspicion: undefined,
  probe: undefined,
  before: undefined,
  isTail: false,
}

/** Records a sent request, field by field: V8 spreads an object with fractions 15 times as slowly. */
export function sent(hidden: Hidden, at: number): Hidden {
  if (at >= endOf(hidden)) return opened(hidden, at)
  const { before, belief, count, elapsed, freedAt, isTail, openedAt, suspicion } = hidden
  const kind =
    belief && count >= belief.limit ? (count < belief.most ? "restore" : "more") : undefined
  return {
    openedAt,
    elapsed,
    count: count + 1,
    freedAt,
    belief,
    suspicion,
    probe: kind ? { kind, sentAt: at } : hidden.probe,
    before,
    isTail,
  }
}

/** Removes a request that the server did not count. */
export function uncounted(hidden: Hidden, sentAt: number): Hidden {
  return { ...unproven(hidden, sentAt), count: Math.max(0, hidden.count - 1) }
}

/** Handles a response that was lost, or shows nothing about limits. */
export function unproven(hidden: Hidden, sentAt: number): Hidden {
  return hidden.probe?.sentAt === sentAt ? { ...hidden, probe: undefined } : hidden
}

/** Records an accepted request. */
export function accepted(hidden: Hidden, sentAt: number): Hidden {
  const { belief, count, elapsed, isTail, openedAt, probe } = hidden
  if (isTail) return counted(hidden)
  if (belief === undefined) return hidden
  if (probe?.sentAt === sentAt) {
    return probe.kind === "shorter"
      ? { ...hidden, belief: shortened(belief, elapsed), before: belief, probe: undefined }
      : { ...hidden, belief: raised(belief, count), probe: undefined }
  }
  const isStart = openedAt === sentAt && Number.isFinite(elapsed)
  return isStart && belief.refusedStarts > 0
    ? { ...hidden, belief: { ...belief, refusedStarts: 0 } }
    : hidden
}

/** Handles a 429 that the visible window does not explain, for the request sent at `sentAt`. */
export function limited(
  hidden: Hidden,
  sentAt: number,
  retryAfter: number,
  visible: Visible,
): Hidden {
  const { belief, before, elapsed, isTail, openedAt, probe, suspicion } = hidden
  // All times are those of sending, so that they have the same offset.
  const freedAt = sentAt + retryAfter
  const over = { ...initial, freedAt, suspicion, belief, isTail }
  if (openedAt === undefined) return over
  if (belief && probe?.sentAt === sentAt && probe.kind === "shorter") {
    return { ...over, belief: punished(belief, "shorter", elapsed, sentAt) }
  }
  if (before) return { ...over, belief: punished(before, "shorter", elapsed, sentAt) }
  if (belief && openedAt === sentAt && Number.isFinite(elapsed)) {
    return { ...over, belief: refusedStart(belief, elapsed + retryAfter) }
  }
  const isProbe = belief !== undefined && probe?.sentAt === sentAt
  const judged = isProbe ? punished(belief, probe.kind, elapsed, sentAt) : belief
  const seen = sighting(hidden, sentAt, freedAt, visible)
  return seen === undefined
    ? { ...over, belief: judged }
    : learned({ ...over, belief: judged, isTail: true }, seen, originOf(seen, visible))
}

/**
 * The time from which hidden limits permit the next request: 0 for now, `Infinity` until the next
 * response.
 */
export function opensAt(hidden: Hidden, visible: Visible, margin: number): number {
  const { belief, openedAt, count, freedAt, probe, suspicion } = hidden
  const { channelInFlight, inFlight } = visible
  if (probe !== undefined) return Infinity
  if (openedAt === undefined) return freedAt === undefined ? 0 : freedAt + margin
  if (belief && count >= maxRequests(belief)) return openedAt + windowLength(belief) + margin
  // Webhooks of one channel wait for the first response in a window, and take turns while a limit is
  // suspected, so that they get one 429 and not one each.
  const isUncertain = count <= channelInFlight || (suspicion !== undefined && belief === undefined)
  if (isUncertain && channelInFlight > inFlight) return Infinity
  // A probe is sent alone, so that it causes one 429 at most; `sentAt` identifies its response.
  return belief && count >= belief.limit && channelInFlight > 0 ? Infinity : 0
}

/** Returns another webhook's initial memory: the limit, not its use. */
export function inherited(hidden: Hidden): Hidden {
  return { ...initial, belief: hidden.belief }
}

/** Combines what two webhooks of one channel have counted and estimated separately. */
export function merged(a: Hidden, b: Hidden): Hidden {
  const [early, late] = startOf(a) < startOf(b) ? [a, b] : [b, a]
  const belief = a.belief && b.belief ? combined(a.belief, b.belief) : (a.belief ?? b.belief)
  const isSame = late.openedAt !== undefined && late.openedAt < endOf({ ...early, belief })
  return isSame ? { ...early, belief, count: a.count + b.count } : { ...late, belief }
}

/** The start of the window, or the end of the block before it. */
function startOf({ freedAt = -Infinity, openedAt = freedAt }: Hidden): number {
  return openedAt
}

/** The end of the window; in the past before its first request. */
function endOf({ belief, openedAt }: Hidden): number {
  return openedAt === undefined ? -Infinity : openedAt + (belief ? windowLength(belief) : Infinity)
}

/** Returns the estimate and its probes as plain JSON. */
export function explain({ belief, probe }: Hidden): Readonly<Record<string, unknown>> | null {
  if (belief === undefined) return null
  const { limit, most, period, shortest, evidence, confirmedAt } = belief
  return {
    limit,
    periodMillis: period,
    evidence,
    confirmedAt,
    mostSeen: most,
    shortestMillis: shortest,
    probing: probe?.kind ?? null,
    cleanWindowsToProbe: cleanWindowsToProbe(belief),
  }
}

/** Opens a window, possibly earlier than assumed. */
function opened(hidden: Hidden, at: number): Hidden {
  const { openedAt, count } = hidden
  const belief = hidden.belief && renewed(hidden.belief, at)
  const follows = belief !== undefined && openedAt !== undefined && count >= belief.limit
  const elapsed = follows ? at - openedAt : Infinity
  return {
    ...hidden,
    belief: follows ? clean(belief) : belief,
    openedAt: at,
    elapsed,
    count: 1,
    before: undefined,
    isTail: false,
    probe: follows && elapsed < belief.period ? { kind: "shorter", sentAt: at } : undefined,
  }
}

/** Adds an accepted request to the window that a 429 revealed: its response was overtaken. */
function counted(hidden: Hidden): Hidden {
  const { belief, suspicion } = hidden
  if (suspicion) return { ...hidden, suspicion: { ...suspicion, limit: suspicion.limit + 1 } }
  return { ...hidden, belief: belief && raised(belief, belief.limit + 1) }
}

/** The window that a 429 reveals; `undefined` for our first request. */
function sighting(
  { openedAt, elapsed, count, freedAt: freedBefore }: Hidden,
  sentAt: number,
  freedAt: number,
  visible: Visible,
): Sighting | undefined {
  // It is unknown which requests in flight the server has accepted; `counted` adds them.
  const limit = count - 1 - visible.channelInFlight
  if (openedAt === undefined || limit < 1) return undefined
  // If only one fits, slots return one by one, whether or not a request used them in time.
  const isFirst = limit === 1 && !Number.isFinite(elapsed)
  const period = freedAt - (isFirst ? (freedBefore ?? openedAt) : openedAt)
  const shortest = Math.max(sentAt - openedAt, visible.period ?? 0)
  return { limit, period, shortest: Math.min(shortest, period), at: sentAt }
}

/** A limit equal to the visible one may be the visible one, with longer delays. */
function originOf(seen: Sighting, { inFlight, limit = 0 }: Visible): Origin {
  if (seen.limit <= limit && seen.limit + inFlight >= limit) return "unknown"
  if (seen.limit === 1) return "leaking"
  return isKnown(seen) ? "discord" : "unknown"
}

function learned(over: Hidden, seen: Sighting, origin: Origin): Hidden {
  const { belief, suspicion } = over
  if (belief && predicts(belief, seen)) {
    return { ...over, belief: confirmed(belief, seen), suspicion: undefined }
  }
  const isAgain = suspicion !== undefined && agree(suspicion, seen)
  if (isAgain || (belief === undefined && isKnown(seen))) {
    const evidence = (belief?.evidence ?? (isAgain ? 1 : 0)) + 1
    return { ...over, belief: believe(seen, evidence, origin), suspicion: undefined }
  }
  return { ...over, belief: belief && lowered(belief, seen), suspicion: seen }
}
