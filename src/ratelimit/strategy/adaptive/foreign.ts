/**
 * Other clients of the same webhook: `remaining` falls faster than we send. Their rate says how
 * likely a slot that was free when the server last spoke is still free when our request arrives.
 */
import type { Answer } from "../../Answer.js"
import type { Bucket } from "../../Bucket.js"

export interface Foreign {
  /** Slots that others took, and the milliseconds in which they did; both fade. */
  readonly taken: number
  readonly watched: number
  /** The server's last word: what was left at an instant (of our clock), in which window. */
  readonly last:
    | { readonly at: number; readonly remaining: number; readonly reset: number | undefined }
    | undefined
}

export const initial: Foreign = { taken: 0, watched: 0, last: undefined }

/** Nobody is taken for quick before he was watched for some time (milliseconds). */
const leastWatched = 2000

/** What was watched so many milliseconds ago counts a third (1/e) of what is watched now. */
const memory = 30_000

/** Resets on the server's clock closer than this are one window's. */
const sameReset = 10

/** An answer to a request of ours that went at `sentAt`, when no other was in flight. */
export function answered(
  foreign: Foreign,
  answer: Answer,
  bucket: Bucket,
  sentAt: number,
  now: number,
): Foreign {
  const { remaining, reset, resetAfter } = answer.headers
  if (remaining === undefined || bucket.limit === undefined) return foreign
  const at = (sentAt + now) / 2
  const ours = answer.limited === undefined ? 1 : 0
  const last = { at, remaining, reset }
  const tells = reset !== undefined && bucket.inFlight === 0 && bucket.model !== "leaking"
  if (!tells) return { ...foreign, last }
  if (foreign.last !== undefined && isSame(foreign.last.reset, reset)) {
    return watch(foreign, foreign.last.remaining - ours - remaining, at - foreign.last.at, last)
  }
  // A new window: all that is gone, but for our own request, was taken since it opened.
  const open = Math.max(0, (bucket.period ?? 0) - (resetAfter ?? 0))
  return watch(foreign, bucket.limit - ours - remaining, open, last)
}

/** How likely it is that a slot is free for a request sent now, with `free` slots at last sight. */
export function chance(foreign: Foreign, free: number, sight: number): number {
  return poisson(free - 1, rate(foreign) * sight)
}

/** Slots a millisecond that others take. */
export function rate(foreign: Foreign): number {
  return foreign.taken < 1 ? 0 : foreign.taken / (foreign.watched + leastWatched)
}

function isSame(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && Math.abs(a - b) <= sameReset
}

function watch(foreign: Foreign, taken: number, time: number, last: Foreign["last"]): Foreign {
  const passed = foreign.last === undefined || last === undefined ? 0 : last.at - foreign.last.at
  const fade = Math.exp(-Math.max(0, passed) / memory)
  return {
    taken: foreign.taken * fade + Math.max(0, taken),
    watched: foreign.watched * fade + Math.max(0, time),
    last,
  }
}

/** The chance of at most `most` events where `mean` are expected. */
function poisson(most: number, mean: number): number {
  let term = Math.exp(-mean)
  let sum = 0
  // Terms vanish long before the end where a header names a limit of millions.
  for (let events = 0; events <= most && term > 0; events += 1) {
    sum += term
    term *= mean / (events + 1)
  }
  return sum
}
