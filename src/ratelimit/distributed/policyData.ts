/**
 * The memories of policies as data. The codecs of our own policies are here and not in the policies, so
 * that only programs with shared limits contain them.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { Memory } from "../strategy/adaptive.js"
import * as traffic from "../strategy/adaptive/competingTraffic.js"
import * as hidden from "../strategy/adaptive/hiddenLimit.js"
import type { Belief, Sighting } from "../strategy/adaptive/limitEstimate.js"
import type { Policy, PolicyData } from "../strategy/Policy.js"
import { Bound, Finite, ifDefined, type Shift, shiftBy } from "./numbers.js"

const Sighted = Schema.Struct({
  limit: Finite,
  period: Finite,
  shortest: Finite,
  at: Finite,
})

const Schedule = Schema.Struct({ interval: Bound, clean: Finite })

const Believed = Schema.Struct({
  limit: Finite,
  most: Finite,
  period: Finite,
  shortest: Finite,
  isShortened: Schema.Boolean,
  confirmedAt: Finite,
  evidence: Finite,
  refusedStarts: Finite,
  schedules: Schema.Struct({ shorter: Schedule, restore: Schedule, more: Schedule }),
})

const HiddenData = Schema.Struct({
  openedAt: Schema.UndefinedOr(Finite),
  elapsed: Bound,
  count: Finite,
  freedAt: Schema.UndefinedOr(Finite),
  belief: Schema.UndefinedOr(Believed),
  suspicion: Schema.UndefinedOr(Sighted),
  probe: Schema.UndefinedOr(
    Schema.Struct({ kind: Schema.Literal("shorter", "restore", "more"), sentAt: Finite }),
  ),
  before: Schema.UndefinedOr(Believed),
  isTail: Schema.Boolean,
})

const TrafficData = Schema.Struct({
  taken: Finite,
  watched: Finite,
  last: Schema.UndefinedOr(
    Schema.Struct({
      at: Finite,
      receivedAt: Finite,
      serverTime: Finite,
      limit: Finite,
      remaining: Finite,
      reset: Finite,
      resetAfter: Finite,
    }),
  ),
  gone: Finite,
  ours: Finite,
  others: Finite,
})

/** The whole memory of the adaptive strategy: a field without its Schema does not compile. */
const MemoryData = Schema.Struct({
  hidden: HiddenData,
  traffic: TrafficData,
  overlappedAt: Bound,
  caution: Finite,
  rolledAt: Bound,
})

function shiftBelief(belief: Belief, { early }: Shift): Belief {
  return { ...belief, confirmedAt: early(belief.confirmedAt) }
}

function shiftSighting(seen: Sighting, { early }: Shift): Sighting {
  return { ...seen, at: early(seen.at) }
}

function shiftHidden(memory: hidden.Hidden, shift: Shift): hidden.Hidden {
  return {
    ...memory,
    openedAt: ifDefined(memory.openedAt, shift.late),
    freedAt: ifDefined(memory.freedAt, shift.late),
    belief: ifDefined(memory.belief, (belief) => shiftBelief(belief, shift)),
    suspicion: ifDefined(memory.suspicion, (seen) => shiftSighting(seen, shift)),
    probe: ifDefined(memory.probe, (probe) => ({ ...probe, sentAt: shift.early(probe.sentAt) })),
    before: ifDefined(memory.before, (belief) => shiftBelief(belief, shift)),
  }
}

function shiftTraffic(memory: traffic.CompetingTraffic, { early }: Shift) {
  const last = ifDefined(memory.last, (sample) => ({
    ...sample,
    at: early(sample.at),
    receivedAt: early(sample.receivedAt),
  }))
  return { ...memory, last }
}

/** The codec of one of our policies. */
interface OwnData<A> extends PolicyData<A> {
  /**
   * The memory after a process has died that may have sent requests, and the milliseconds after which
   * the limits that it contains are free again.
   */
  readonly assumeUsed: (memory: A) => { readonly memory: A; readonly period: number }
  /** What two processes have learned for a channel while each counted its own messages only. */
  readonly combine: (memory: A, other: A) => A
}

const adaptive: OwnData<Memory> = {
  schema: MemoryData,
  shift: (memory, millis, uncertainty) => {
    const shift = shiftBy(millis, uncertainty)
    return {
      ...memory,
      hidden: shiftHidden(memory.hidden, shift),
      traffic: shiftTraffic(memory.traffic, shift),
      overlappedAt: shift.early(memory.overlappedAt),
      rolledAt: shift.late(memory.rolledAt),
    }
  },
  assumeUsed: (memory) => {
    const { belief, suspicion } = memory.hidden
    const { taken, watched } = memory.traffic
    return {
      memory: {
        ...memory,
        hidden: { ...hidden.initial, belief, suspicion },
        // The requests of the dead process are not those of other clients.
        traffic: { ...traffic.initial, taken, watched },
      },
      period: belief?.period ?? 0,
    }
  },
  combine: (memory, other) => {
    const both = hidden.merged(memory.hidden, other.hidden)
    const most = (memory.hidden.belief?.most ?? 0) + (other.hidden.belief?.most ?? 0)
    const belief = both.belief && probedAtOnce(both.belief, most)
    return { ...memory, hidden: { ...both, belief } }
  },
}

/**
 * A limit that was learned from a part of the requests is too low. In the next window, probes find it, one request
 * at a time, until the first 429 or the sum of what has fitted in each process; or twice the limit, since the other
 * process may have learned nothing yet.
 */
function probedAtOnce(belief: Belief, together: number): Belief {
  const { limit, schedules } = belief
  const { interval } = schedules.restore
  return {
    ...belief,
    most: Math.max(together, 2 * limit),
    schedules: { ...schedules, restore: { interval, clean: interval } },
  }
}

/** By name. The memories of the reactive and the proactive strategy are empty. */
const own: Readonly<Record<string, OwnData<unknown>>> = { adaptive: hideMemory(adaptive) }

/** A codec is passed only memories of its own policy, or whatever has the same name. */
function hideMemory<A>(data: OwnData<A>): OwnData<unknown> {
  // oxlint-disable-next-line no-unsafe-type-assertion
  return data as unknown as OwnData<unknown>
}

/** The codec of a memory by the name of its policy; a policy's own `data` comes first. */
export function findData(
  name: string,
  policies: ReadonlyArray<Policy>,
): PolicyData<unknown> | undefined {
  const policy = policies.find((one) => one.name === name && one.data !== undefined)
  return policy?.data ?? ownData(name)
}

/** What a policy's memory implies after the death of another process; `undefined` if it is not ours. */
export function assumeMemoryUsed(
  name: string,
  memory: unknown,
): ReturnType<OwnData<unknown>["assumeUsed"]> | undefined {
  return ownData(name)?.assumeUsed(memory)
}

/** What two processes have learned for a channel; `undefined` if the policy is not ours. */
export function combineMemories(name: string, memory: unknown, other: unknown): unknown {
  return ownData(name)?.combine(memory, other)
}

function ownData(name: string): OwnData<unknown> | undefined {
  return Object.hasOwn(own, name) ? own[name] : undefined
}

/** The memory as JSON; an error if it is not what the Schema describes. */
export function encodeMemory(
  { schema, shift }: PolicyData<unknown>,
  memory: unknown,
  millis: number,
): Either.Either<unknown, unknown> {
  return Either.flatMap(
    attempt(() => shift?.(memory, millis, 0) ?? memory),
    Schema.encodeUnknownEither(schema),
  )
}

/** The memory on the clock of this process. */
export function decodeMemory(
  { schema, shift }: PolicyData<unknown>,
  data: unknown,
  millis: number,
  uncertainty: number,
): Either.Either<unknown, unknown> {
  return Either.flatMap(Schema.decodeUnknownEither(schema)(data), (memory) =>
    attempt(() => shift?.(memory, millis, uncertainty) ?? memory),
  )
}

/** Runs code of a user's policy, which may throw. */
function attempt<A>(evaluate: () => A): Either.Either<A, unknown> {
  return Either.try(evaluate)
}
