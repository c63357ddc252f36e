/** The state of one bucket as JSON: everything that later decisions depend on, except its requests. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type BucketState, noMemories, putMemory, withoutMemory } from "../internal/bucketState.js"
import { RoundTrips, SlotTime, Window } from "../internal/window.js"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Policy } from "../strategy/Policy.js"
import { Bound, Finite, ifDefined, shiftBy } from "./numbers.js"
import { decodeMemory, encodeMemory, findData } from "./policyData.js"

/** The fields of `SlotTime`. */
const SlotTimeData = Schema.Struct({
  alone: Finite,
  least: Finite,
  most: Bound,
  first: Finite,
  latest: Bound,
})

/**
 * The fields of `Window`. `reset`, `past.reset` and `observed.server` are on Discord's clock, like the times of
 * `SlotTimeData`; all other times are on the store's clock.
 */
export const WindowData = Schema.Struct({
  limit: Schema.UndefinedOr(Finite),
  model: Schema.Literal("unknown", "fixed", "leaking"),
  period: Schema.UndefinedOr(Finite),
  slot: Schema.UndefinedOr(Finite),
  resetAt: Schema.UndefinedOr(Finite),
  resetEarliest: Schema.UndefinedOr(Finite),
  slotTime: SlotTimeData,
  used: Finite,
  floor: Bound,
  reset: Schema.UndefinedOr(Finite),
  sentAt: Bound,
  openedAt: Bound,
  limitSentAt: Bound,
  doubtful: Finite,
  doubtedAt: Bound,
  unseen: Finite,
  past: Schema.UndefinedOr(
    Schema.Struct({
      resetAt: Finite,
      rolledAt: Finite,
      reset: Schema.UndefinedOr(Finite),
    }),
  ),
  observed: Schema.UndefinedOr(
    Schema.Struct({ server: Finite, earliest: Finite, latest: Finite, at: Finite }),
  ),
})
type WindowData = typeof WindowData.Type

/** The fields of `RoundTrips`: durations and counts. */
export const RoundTripsData = Schema.Struct({
  last: Finite,
  shortest: Finite,
  longest: Finite,
  count: Finite,
  uncertainty: Schema.UndefinedOr(Finite),
  nextShortest: Finite,
  nextLongest: Finite,
  responses: Finite,
  nextUncertainty: Bound,
  resets: Finite,
})

const MemoryEntry = Schema.Struct({
  policy: Schema.String,
  /** Whether it belongs to the bucket of another webhook that this one was initialized from. */
  inherited: Schema.UndefinedOr(Schema.Literal(true)),
  data: Schema.Unknown,
})
type MemoryEntry = typeof MemoryEntry.Type

export const BucketData = Schema.Struct({
  id: Schema.String,
  routes: Schema.Array(Schema.String),
  isKnown: Schema.Boolean,
  /** Missing if the bucket was never blocked. */
  blockedUntil: Schema.UndefinedOr(Finite),
  blockedBy: Schema.UndefinedOr(Schema.Literal("user", "shared", "global", "edge", "proxy")),
  probing: Schema.Boolean,
  blocksWithoutDelay: Finite,
  window: WindowData,
  roundTrip: Schema.UndefinedOr(RoundTripsData),
  /** `BucketState.finishedWindow`. */
  over: Schema.UndefinedOr(Schema.Struct({ at: Finite, unused: Bound, waiting: Finite })),
  /** In the order of use: the policy that observed last comes last. */
  memories: Schema.Array(MemoryEntry),
})
export type BucketData = typeof BucketData.Type

/** Encodes a bucket. `clockOffset` is added to every time, for those of the store's clock. */
export function toBucketData(
  bucket: BucketState,
  routes: ReadonlyArray<string>,
  clockOffset: number,
): BucketData {
  const { toLatest } = shiftBy(clockOffset, 0)
  const { blockedUntil, finishedWindow } = bucket
  return {
    id: bucket.id,
    routes,
    isKnown: bucket.isKnown,
    blockedUntil: blockedUntil === 0 ? undefined : toLatest(blockedUntil),
    blockedBy: bucket.blockedBy,
    probing: bucket.probing,
    blocksWithoutDelay: bucket.blocksWithoutDelay,
    window: shiftWindow(bucket.window, clockOffset, 0),
    roundTrip: bucket.roundTrip,
    over: finishedWindow && { ...finishedWindow, at: toLatest(finishedWindow.at) },
    memories: toMemoryEntries(bucket, clockOffset),
  }
}

function toMemoryEntries(bucket: BucketState, clockOffset: number): ReadonlyArray<MemoryEntry> {
  const { inherited, learned, learnedBy, otherMemories } = bucket
  const policies = learnedBy === undefined ? [] : [learnedBy]
  const entries: Array<MemoryEntry> = []
  const add = (policy: string, value: unknown, isInherited: true | undefined) => {
    const codec = findData(policy, policies)
    if (codec === undefined) return
    const data = encodeMemory(codec, value, clockOffset)
    if (Either.isRight(data)) entries.push({ policy, inherited: isInherited, data: data.right })
  }
  for (const one of inherited) add(one.policy, one.value, true)
  for (const one of otherMemories) {
    if (one.policy !== learnedBy?.name) add(one.policy, one.value, undefined)
  }
  if (learnedBy !== undefined) add(learnedBy.name, learned, undefined)
  return entries
}

/** How state that another process has stored is converted to the clock and the policies of this one. */
export interface RestoreOptions {
  /** Milliseconds to add to a time of this process, for the time of the store's clock. */
  readonly clockOffset: number
  /** Maximum error of the stored times on this clock, in milliseconds. */
  readonly maxClockError: number
  readonly now: number
  /** Policies of this process; those with `data` read their memories. */
  readonly policies: ReadonlyArray<Policy>
}

const maxDelay = Duration.toMillis(longestDelay)

/** Replaces the state of a bucket, except its requests. */
export function restoreBucket(
  bucket: BucketState,
  data: BucketData,
  options: RestoreOptions,
): void {
  const { now, clockOffset, maxClockError } = options
  const { toLatest } = shiftBy(-clockOffset, maxClockError)
  bucket.isKnown = data.isKnown
  bucket.blockedUntil =
    data.blockedUntil === undefined ? 0 : Math.min(toLatest(data.blockedUntil), now + maxDelay)
  bucket.blockedBy = data.blockedBy
  bucket.probing = data.probing
  bucket.blocksWithoutDelay = data.blocksWithoutDelay
  bucket.window = makeWindow(shiftWindow(data.window, -clockOffset, maxClockError))
  bucket.roundTrip = data.roundTrip && makeRoundTrips(data.roundTrip)
  const { resetAt, resetEarliest } = data.window
  // Recorded here, because the restored bounds are further apart by the error of the clocks.
  if (maxClockError > 0 && resetAt !== undefined && resetEarliest !== undefined)
    bucket.roundTrip?.addResetUncertainty(resetAt - resetEarliest)
  bucket.finishedWindow = data.over && {
    _tag: "WindowOver",
    ...data.over,
    at: toLatest(data.over.at),
  }
  restoreMemories(bucket, data.memories, options)
}

function makeWindow(data: WindowData): Window {
  return Object.assign(new Window(), data, {
    slotTime: Object.assign(new SlotTime(), data.slotTime),
  })
}

function makeRoundTrips(data: typeof RoundTripsData.Type): RoundTrips {
  return Object.assign(new RoundTrips(data), data)
}

function shiftWindow(window: WindowData, offset: number, maxError: number): WindowData {
  const { toEarliest, toLatest } = shiftBy(offset, maxError)
  const { observed, past } = window
  return {
    ...window,
    resetAt: ifDefined(window.resetAt, toLatest),
    resetEarliest: ifDefined(window.resetEarliest, toEarliest),
    sentAt: toEarliest(window.sentAt),
    openedAt: toEarliest(window.openedAt),
    limitSentAt: toEarliest(window.limitSentAt),
    doubtedAt: toLatest(window.doubtedAt),
    past: past && {
      ...past,
      resetAt: toEarliest(past.resetAt),
      rolledAt: toEarliest(past.rolledAt),
    },
    observed: observed && {
      server: observed.server,
      earliest: toEarliest(observed.earliest),
      latest: toLatest(observed.latest),
      at: toEarliest(observed.at),
    },
  }
}

/** Restores the memories of policies. A memory whose policy has no codec stays as it is in this process. */
function restoreMemories(
  bucket: BucketState,
  entries: ReadonlyArray<MemoryEntry>,
  { policies, clockOffset, maxClockError }: RestoreOptions,
): void {
  const { learned, learnedBy, otherMemories } = bucket
  const readers = learnedBy === undefined ? policies : [learnedBy, ...policies]
  let kept = noMemories
  let inherited = noMemories
  const keep = (policy: string, value: unknown) => {
    if (findData(policy, readers) === undefined) kept = putMemory(kept, policy, value)
  }
  for (const one of otherMemories) keep(one.policy, one.value)
  if (learnedBy !== undefined) keep(learnedBy.name, learned)
  for (const { data, inherited: isInherited, policy } of entries) {
    const codec = findData(policy, readers)
    if (codec === undefined) continue
    const memory = decodeMemory(codec, data, -clockOffset, maxClockError)
    if (Either.isLeft(memory)) continue
    if (isInherited === true) inherited = putMemory(inherited, policy, memory.right)
    else kept = putMemory(kept, policy, memory.right)
  }
  bucket.inherited = inherited
  const last = kept.at(-1)
  const policy = last && readers.find(({ name }) => name === last.policy)
  bucket.learnedBy = policy
  bucket.learned = policy && last?.value
  bucket.otherMemories = policy === undefined ? kept : withoutMemory(kept, policy.name)
}
