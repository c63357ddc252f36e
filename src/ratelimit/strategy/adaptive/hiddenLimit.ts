/**
 * Limits behind the visible ones. Discord is known to take about 30 messages a minute on a channel
 * while its headers show 5 per 2 s; only a 429 with a long Retry-After reveals it.
 *
 * Such a 429 gives the end of the hidden window, and the first of our own requests since the last
 * one its start: hence its length, and how many requests fit. A window of the one length that is
 * known of Discord is believed at once, any other when it is seen a second time. A 429 that the
 * belief does not predict lowers it. Probes test it in both directions (`belief.ts`).
 */
import type { Bucket } from "../../Bucket.js"
import {
  agree,
  type Belief,
  believe,
  clean,
  cleanWindowsToProbe,
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
type Visible = Pick<Bucket, "inFlight" | "limit" | "period">

/** A request that the belief does not vouch for, and whose response is still missing. */
interface Probe {
  readonly kind: ProbeKind
  readonly sentAt: number
}

export interface Hidden {
  /** When the present hidden window opened; `undefined` before its first request. */
  readonly openedAt: number | undefined
  /** Milliseconds from the window before to this one; `Infinity` if none was full right before it. */
  readonly elapsed: number
  /** Requests in it. */
  readonly count: number
  /** The end of the last block. */
  readonly freedAt: number | undefined
  readonly belief: Belief | undefined
  /** Seen once; believed when seen again. */
  readonly suspicion: Sighting | undefined
  readonly probe: Probe | undefined
  /** What was believed before a probe opened this window, until the window is over without a 429. */
  readonly before: Belief | undefined
  /** Whether responses that come after a 429 are still of the window that it has revealed. */
  readonly isTail: boolean
}

export const initial: Hidden = {
  openedAt: undefined,
  elapsed: Number.POSITIVE_INFINITY,
  count: 0,
  freedAt: undefined,
  belief: undefined,
  suspicion: undefined,
  probe: undefined,
  before: undefined,
  isTail: false,
}

/** A request goes. */
export function sent(hidden: Hidden, at: number): Hidden {
  const { openedAt, belief, count, probe } = hidden
  if (openedAt === undefined || at >= openedAt + (belief ? windowLength(belief) : Infinity)) {
    return opened(hidden, at)
  }
  const kind =
    belief && count >= belief.limit ? (count < belief.most ? "restore" : "more") : undefined
  return { ...hidden, count: count + 1, probe: kind ? { kind, sentAt: at } : probe }
}

/** The server did not count a request. */
export function uncounted(hidden: Hidden, sentAt: number): Hidden {
  return { ...unproven(hidden, sentAt), count: Math.max(0, hidden.count - 1) }
}

/** The response to a request was lost, or shows nothing about limits. */
export function unproven(hidden: Hidden, sentAt: number): Hidden {
  return hidden.probe?.sentAt === sentAt ? { ...hidden, probe: undefined } : hidden
}

/** The server took a request. */
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

/** A 429 that the visible window does not explain, to a request of `sentAt`. */
export function refused(
  hidden: Hidden,
  sentAt: number,
  retryAfter: number,
  visible: Visible,
): Hidden {
  const { belief, before, elapsed, isTail, openedAt, probe, suspicion } = hidden
  // All instants are those of sending, so that they are off by the same.
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
 * The instant from which the next request may go, as far as hidden limits are concerned: 0 for now,
 * `Infinity` while only a response can tell.
 */
export function opensAt(hidden: Hidden, inFlight: number, margin: number): number {
  const { belief, openedAt, count, probe } = hidden
  if (belief === undefined || openedAt === undefined) return 0
  if (probe !== undefined) return Number.POSITIVE_INFINITY
  if (count >= maxRequests(belief)) return openedAt + windowLength(belief) + margin
  // A probe goes alone: nothing else gets a 429 with it, and its response is told by `sentAt`.
  return count >= belief.limit && inFlight > 0 ? Number.POSITIVE_INFINITY : 0
}

/** What one webhook has learned, for another: the limit, not what was used of it. */
export function inherited(hidden: Hidden): Hidden {
  return { ...initial, belief: hidden.belief }
}

/** The belief and its probes as plain JSON. */
export function explain({ belief, probe }: Hidden): Readonly<Record<string, unknown>> | null {
  if (belief === undefined) return null
  const { limit, most, period, shortest, evidence, confirmedAt } = belief
  return {
    limit,
    periodMillis: period,
    because: `${evidence} x 429 that the visible limit does not explain`,
    confirmedAt,
    mostSeen: most,
    shortestMillis: shortest,
    probing: probe?.kind ?? null,
    cleanWindowsToProbe: cleanWindowsToProbe(belief),
  }
}

/** A request opens a window, maybe earlier than assumed. */
function opened(hidden: Hidden, at: number): Hidden {
  const { openedAt, count } = hidden
  const belief = hidden.belief && renewed(hidden.belief, at)
  const follows = belief !== undefined && openedAt !== undefined && count >= belief.limit
  const elapsed = follows ? at - openedAt : Number.POSITIVE_INFINITY
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

/** A request of the window that a 429 revealed was taken, too: its response was overtaken. */
function counted(hidden: Hidden): Hidden {
  const { belief, suspicion } = hidden
  if (suspicion) return { ...hidden, suspicion: { ...suspicion, limit: suspicion.limit + 1 } }
  return { ...hidden, belief: belief && raised(belief, belief.limit + 1) }
}

/** The window that a 429 reveals; `undefined` if it came to the first request of ours. */
function sighting(
  { openedAt, elapsed, count, freedAt: freedBefore }: Hidden,
  sentAt: number,
  freedAt: number,
  visible: Visible,
): Sighting | undefined {
  // Which of those in flight the server has taken is not known yet; `counted` adds them.
  const limit = count - 1 - visible.inFlight
  if (openedAt === undefined || limit < 1) return undefined
  // Where only one fits, slots leak back one by one, whether or not a request was there in time.
  const isFirst = limit === 1 && !Number.isFinite(elapsed)
  const period = freedAt - (isFirst ? (freedBefore ?? openedAt) : openedAt)
  const shortest = Math.max(sentAt - openedAt, visible.period ?? 0)
  return { limit, period, shortest: Math.min(shortest, period), at: sentAt }
}

/** A limit of as many requests as the visible one may well be the visible one, with longer delays. */
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
