/**
 * The memories of policies as JSON. The codecs of the built-in policies are here and not in the policies, so that
 * only programs with shared limits contain them.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { Memory } from "../strategy/adaptive.js"
import * as traffic from "../strategy/adaptive/competingTraffic.js"
import * as hidden from "../strategy/adaptive/hiddenLimit.js"
import type { Belief, Sighting } from "../strategy/adaptive/limitEstimate.js"
import type { Policy, PolicyData } from "../strategy/Policy.js"
import { Bound, Finite, ifDefined, type TimeShift, shiftBy } from "./numbers.js"

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

function shiftBelief(belief: Belief, { toEarliest }: TimeShift): Belief {
  return { ...belief, confirmedAt: toEarliest(belief.confirmedAt) }
}

function shiftSighting(sighting: Sighting, { toEarliest }: TimeShift): Sighting {
  return { ...sighting, at: toEarliest(sighting.at) }
}

function shiftHidden(memory: hidden.Hidden, shift: TimeShift): hidden.Hidden {
  return {
    ...memory,
    openedAt: ifDefined(memory.openedAt, shift.toLatest),
    freedAt: ifDefined(memory.freedAt, shift.toLatest),
    belief: ifDefined(memory.belief, (belief) => shiftBelief(belief, shift)),
    suspicion: ifDefined(memory.suspicion, (sighting) => shiftSighting(sighting, shift)),
    probe: ifDefined(memory.probe, (probe) => ({
      ...probe,
      sentAt: shift.toEarliest(probe.sentAt),
    })),
    before: ifDefined(memory.before, (belief) => shiftBelief(belief, shift)),
  }
}

function shiftTraffic(memory: traffic.CompetingTraffic, { toEarliest }: TimeShift) {
  const last = ifDefined(memory.last, (sample) => ({
    ...sample,
    at: toEarliest(sample.at),
    receivedAt: toEarliest(sample.receivedAt),
  }))
  return { ...memory, last }
}

/** The codec of a built-in policy. */
interface BuiltInData<A> extends PolicyData<A> {
  /**
   * Returns the memory after a process has died that may have sent more requests, and the milliseconds after which
   * the limits in it have ended.
   */
  readonly assumeUsed: (memory: A) => { readonly memory: A; readonly period: number }
  /** Combines what two processes have learned for a channel while each counted only its own messages. */
  readonly combine: (memory: A, other: A) => A
}

const adaptive: BuiltInData<Memory> = {
  schema: MemoryData,
  shift: (memory, millis, uncertainty) => {
    const shift = shiftBy(millis, uncertainty)
    return {
      ...memory,
      hidden: shiftHidden(memory.hidden, shift),
      traffic: shiftTraffic(memory.traffic, shift),
      overlappedAt: shift.toEarliest(memory.overlappedAt),
      rolledAt: shift.toLatest(memory.rolledAt),
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
    const belief = both.belief && withProbesDue(both.belief, most)
    return { ...memory, hidden: { ...both, belief } }
  },
}

/**
 * Makes probes due at once, since a limit that was learned from a part of the requests is too low. In the next
 * window, probes raise it by one request at a time until the first 429, at most to the sum of what was accepted in
 * each process, or to twice the limit, since the other process may have learned nothing yet.
 */
function withProbesDue(belief: Belief, sum: number): Belief {
  const { limit, schedules } = belief
  const { interval } = schedules.restore
  return {
    ...belief,
    most: Math.max(sum, 2 * limit),
    schedules: { ...schedules, restore: { interval, clean: interval } },
  }
}

/** The codecs by the name of the policy. The memories of the reactive and the proactive strategy are empty. */
const builtIn: Readonly<Record<string, BuiltInData<unknown>>> = { adaptive: hideMemory(adaptive) }

/** Hides the memory type. A codec receives memories of a policy with its name, and its Schema checks them. */
function hideMemory<A>(data: BuiltInData<A>): BuiltInData<unknown> {
  // oxlint-disable-next-line no-unsafe-type-assertion
  return data as unknown as BuiltInData<unknown>
}

/** Returns the codec of a policy: its own `data`, or the built-in one for its name. */
export function findData(
  name: string,
  policies: ReadonlyArray<Policy>,
): PolicyData<unknown> | undefined {
  const policy = policies.find((one) => one.name === name && one.data !== undefined)
  return policy?.data ?? builtInData(name)
}

/** Applies `BuiltInData.assumeUsed`; returns `undefined` for a policy that is not built in. */
export function assumeMemoryUsed(
  name: string,
  memory: unknown,
): ReturnType<BuiltInData<unknown>["assumeUsed"]> | undefined {
  return builtInData(name)?.assumeUsed(memory)
}

/** Applies `BuiltInData.combine`; returns `undefined` for a policy that is not built in. */
export function combineMemories(name: string, memory: unknown, other: unknown): unknown {
  return builtInData(name)?.combine(memory, other)
}

function builtInData(name: string): BuiltInData<unknown> | undefined {
  return Object.hasOwn(builtIn, name) ? builtIn[name] : undefined
}

/** Encodes a memory as JSON, with its times on the store's clock. Fails if it does not match the Schema. */
export function encodeMemory(
  { schema, shift }: PolicyData<unknown>,
  memory: unknown,
  clockOffset: number,
): Either.Either<unknown, unknown> {
  return Either.flatMap(
    attempt(() => shift?.(memory, clockOffset, 0) ?? memory),
    Schema.encodeUnknownEither(schema),
  )
}

/** Decodes a memory, and adds `offset` to its times, for those of this process. */
export function decodeMemory(
  { schema, shift }: PolicyData<unknown>,
  data: unknown,
  offset: number,
  maxError: number,
): Either.Either<unknown, unknown> {
  return Either.flatMap(Schema.decodeUnknownEither(schema)(data), (memory) =>
    attempt(() => shift?.(memory, offset, maxError) ?? memory),
  )
}

/** Runs the code of a policy, which may throw. */
function attempt<A>(evaluate: () => A): Either.Either<A, unknown> {
  return Either.try(evaluate)
}
