/** The state of one bucket as data: everything that later decisions depend on, except its requests. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type BucketState, noMemories, putMemory, withoutMemory } from "../internal/bucketState.js"
import { RoundTrips, SlotTime, Window } from "../internal/window.js"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Policy } from "../strategy/Policy.js"
import { Bound, Finite, ifDefined, shiftBy } from "./numbers.js"
import { decodeMemory, encodeMemory, findData } from "./policyData.js"

const SlotTimeData = Schema.Struct({
  alone: Finite,
  least: Finite,
  most: Bound,
  first: Finite,
  latest: Bound,
})

/** `reset`, `past.reset` and `observed.server` are on Discord's clock, like the times of `SlotTimeData`. */
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
  /** A finished window that no policy has observed yet. */
  over: Schema.UndefinedOr(Schema.Struct({ at: Finite, unused: Bound, waiting: Finite })),
  /** In the order of use; the last one observed last. */
  memories: Schema.Array(MemoryEntry),
})
export type BucketData = typeof BucketData.Type

/** From the clock of this process to the common one. */
export function toBucketData(
  bucket: BucketState,
  routes: ReadonlyArray<string>,
  millis: number,
): BucketData {
  const { late } = shiftBy(millis, 0)
  const { blockedUntil, over } = bucket
  return {
    id: bucket.id,
    routes,
    isKnown: bucket.isKnown,
    blockedUntil: blockedUntil === 0 ? undefined : late(blockedUntil),
    blockedBy: bucket.blockedBy,
    probing: bucket.probing,
    blocksWithoutDelay: bucket.blocksWithoutDelay,
    window: shiftWindow(bucket.window, millis, 0),
    roundTrip: bucket.roundTrip,
    over: over && { ...over, at: late(over.at) },
    memories: toMemoryEntries(bucket, millis),
  }
}

function toMemoryEntries(bucket: BucketState, millis: number): ReadonlyArray<MemoryEntry> {
  const { inherited, learned, learnedBy, others } = bucket
  const policies = learnedBy === undefined ? [] : [learnedBy]
  const entries: Array<MemoryEntry> = []
  const add = (policy: string, value: unknown, isInherited: true | undefined) => {
    const codec = findData(policy, policies)
    if (codec === undefined) return
    const data = encodeMemory(codec, value, millis)
    if (Either.isRight(data)) entries.push({ policy, inherited: isInherited, data: data.right })
  }
  for (const one of inherited) add(one.policy, one.value, true)
  for (const one of others) {
    if (one.policy !== learnedBy?.name) add(one.policy, one.value, undefined)
  }
  if (learnedBy !== undefined) add(learnedBy.name, learned, undefined)
  return entries
}

/** How data of another process becomes state of this one. */
export interface Arrival {
  /** The time on the common clock, less the time on ours; wrong by up to `uncertainty` milliseconds. */
  readonly shift: number
  readonly uncertainty: number
  readonly now: number
  /** Policies of this process; those with `data` read their memories. */
  readonly policies: ReadonlyArray<Policy>
}

const maxDelay = Duration.toMillis(longestDelay)

/** Replaces the state of a bucket; its requests stay. */
export function setBucket(bucket: BucketState, data: BucketData, arrival: Arrival): void {
  const { now, shift, uncertainty } = arrival
  const { late } = shiftBy(-shift, uncertainty)
  bucket.isKnown = data.isKnown
  bucket.blockedUntil =
    data.blockedUntil === undefined ? 0 : Math.min(late(data.blockedUntil), now + maxDelay)
  bucket.blockedBy = data.blockedBy
  bucket.probing = data.probing
  bucket.blocksWithoutDelay = data.blocksWithoutDelay
  bucket.window = makeWindow(shiftWindow(data.window, -shift, uncertainty))
  bucket.roundTrip = data.roundTrip && makeRoundTrips(data.roundTrip)
  const { resetAt, resetEarliest } = data.window
  // Only a distance without the uncertainty of two clocks is one that a request needs.
  if (uncertainty > 0 && resetAt !== undefined && resetEarliest !== undefined)
    bucket.roundTrip?.reset(resetAt - resetEarliest)
  bucket.over = data.over && { _tag: "WindowOver", ...data.over, at: late(data.over.at) }
  setMemories(bucket, data.memories, arrival)
}

function makeWindow(data: WindowData): Window {
  return Object.assign(new Window(), data, {
    slotTime: Object.assign(new SlotTime(), data.slotTime),
  })
}

function makeRoundTrips(data: typeof RoundTripsData.Type): RoundTrips {
  return Object.assign(new RoundTrips(data), data)
}

function shiftWindow(window: WindowData, millis: number, uncertainty: number): WindowData {
  const { early, late } = shiftBy(millis, uncertainty)
  const { observed, past } = window
  return {
    ...window,
    resetAt: ifDefined(window.resetAt, late),
    resetEarliest: ifDefined(window.resetEarliest, early),
    sentAt: early(window.sentAt),
    openedAt: early(window.openedAt),
    limitSentAt: early(window.limitSentAt),
    doubtedAt: late(window.doubtedAt),
    past: past && { ...past, resetAt: early(past.resetAt), rolledAt: early(past.rolledAt) },
    observed: observed && {
      server: observed.server,
      earliest: early(observed.earliest),
      latest: late(observed.latest),
      at: early(observed.at),
    },
  }
}

/** Memories of policies that cannot be passed on stay as they are in this process. */
function setMemories(
  bucket: BucketState,
  entries: ReadonlyArray<MemoryEntry>,
  { policies, shift, uncertainty }: Arrival,
): void {
  const { learned, learnedBy, others } = bucket
  const known = learnedBy === undefined ? policies : [learnedBy, ...policies]
  let kept = noMemories
  let inherited = noMemories
  const keep = (policy: string, value: unknown) => {
    if (findData(policy, known) === undefined) kept = putMemory(kept, policy, value)
  }
  for (const one of others) keep(one.policy, one.value)
  if (learnedBy !== undefined) keep(learnedBy.name, learned)
  for (const { data, inherited: isInherited, policy } of entries) {
    const codec = findData(policy, known)
    if (codec === undefined) continue
    const memory = decodeMemory(codec, data, -shift, uncertainty)
    if (Either.isLeft(memory)) continue
    if (isInherited === true) inherited = putMemory(inherited, policy, memory.right)
    else kept = putMemory(kept, policy, memory.right)
  }
  bucket.inherited = inherited
  const last = kept.at(-1)
  const policy = last && known.find(({ name }) => name === last.policy)
  bucket.learnedBy = policy
  bucket.learned = policy && last?.value
  bucket.others = policy === undefined ? kept : withoutMemory(kept, policy.name)
}
