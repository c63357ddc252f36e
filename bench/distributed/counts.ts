/** What is counted from the messages as they arrived at Discord. */
import type { Message } from "../outbox/discord.js"

/** A message, as its content describes it. */
export interface Content {
  readonly process: number
  /** Increases within a process. */
  readonly number: number
  /** When it was sent to the limiter of its process, in milliseconds since 1970. */
  readonly arrivedAt: number
}

export interface Sent extends Content {
  /** When it arrived at Discord. */
  readonly sentAt: number
}

export const contentOf = ({ arrivedAt, number, process }: Content): string =>
  `${process}-${number}-${arrivedAt}`

export function toSent({ at, content }: Message): Sent {
  const [process = Number.NaN, number = Number.NaN, arrivedAt = Number.NaN] = content
    .split("-")
    .map(Number)
  return { process, number, arrivedAt, sentAt: at }
}

/** Milliseconds after which every process must know of a message. */
const knownAfter = 100

/**
 * The messages of one webhook that overtook another one: of the same process, or one that had arrived at any
 * process at least 100 ms earlier.
 */
export function countOvertaking(sent: ReadonlyArray<Sent>): number {
  return sent.filter((one, index) =>
    sent
      .slice(index + 1)
      .some((later) =>
        later.process === one.process
          ? later.number < one.number
          : later.arrivedAt + knownAfter <= one.arrivedAt,
      ),
  ).length
}

export interface Limit {
  readonly limit: number
  readonly periodMs: number
}

/**
 * Milliseconds from the first arrival until Discord has the last message, when every message is sent as early
 * as the limit lets it through.
 */
export function bestMakespan(arrivals: ReadonlyArray<number>, { limit, periodMs }: Limit): number {
  const sorted = [...arrivals].sort((a, b) => a - b)
  const [first = 0] = sorted
  let start = Number.NEGATIVE_INFINITY
  let used = 0
  let last = first
  for (const arrivedAt of sorted) {
    if (arrivedAt >= start + periodMs) used = limit
    if (used === limit) {
      start = Math.max(arrivedAt, start + periodMs)
      used = 0
    }
    used += 1
    last = Math.max(start, arrivedAt)
  }
  return last - first
}
