/**
 * The state of a channel with a hidden limit as JSON text, which is passed on with its turn: what policies have
 * learned. Only the process with the turn sends messages to the channel, so it counts all of them.
 */
import * as Either from "effect/Either"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { ChannelState } from "../internal/bucketState.js"
import type { LimitedChannel } from "./channel.js"
import type { Policy } from "../strategy/Policy.js"
import { combineMemories, decodeMemory, encodeMemory, findData } from "./policyData.js"
import type { RestoreOptions } from "./bucketData.js"

const ChannelData = Schema.Struct({
  v: Schema.Literal(1),
  /** `Route.major` of each webhook. */
  webhooks: Schema.Array(Schema.String),
  memories: Schema.Array(Schema.Struct({ policy: Schema.String, data: Schema.Unknown })),
})

const Text = Schema.parseJson(ChannelData)
const encodeText = Schema.encodeSync(Text)
const decodeText = Schema.decodeUnknownEither(Text)

/** Marks the memories of all buckets as merged: they are copies of the channel's, and must not count twice. */
const allBuckets = { has: () => true, add: () => undefined }

/** Encodes a channel. `clockOffset` is added to every time, for those of the store's clock. */
export function encodeChannel(
  { state: channel, webhooks }: LimitedChannel,
  clockOffset: number,
): string {
  for (const { major } of channel.webhooks) webhooks.add(major)
  const policies = policiesOf(channel)
  const memories = [...(channel.memories ?? [])].flatMap(([policy, { memory }]) => {
    const codec = findData(policy, policies)
    const data = codec === undefined ? undefined : encodeMemory(codec, memory, clockOffset)
    return data !== undefined && Either.isRight(data) ? [{ policy, data: data.right }] : []
  })
  return encodeText({ v: 1, webhooks: [...webhooks], memories })
}

/** Replaces what this process has learned for a channel by a stored state; the first time, combines both. */
export function restoreChannel(
  shared: LimitedChannel,
  text: string,
  { clockOffset, maxClockError }: Omit<RestoreOptions, "policies">,
): Either.Either<void, ParseError> {
  const { state: channel } = shared
  const policies = policiesOf(channel)
  return Either.map(decodeText(text), ({ memories, webhooks }) => {
    for (const major of [...webhooks, ...channel.webhooks.map((one) => one.major)]) {
      shared.webhooks.add(major)
    }
    // The requests of a single webhook are all counted, because their state was passed on with its turn.
    const isStateComplete = !shared.hasOwnCount || shared.webhooks.size === 1
    shared.hasOwnCount = false
    channel.memories ??= new Map()
    for (const { data, policy } of memories) {
      const codec = findData(policy, policies)
      const memory = codec && decodeMemory(codec, data, -clockOffset, maxClockError)
      if (memory !== undefined && Either.isRight(memory)) {
        const known = channel.memories.get(policy)
        channel.memories.set(policy, {
          memory:
            isStateComplete || known === undefined
              ? memory.right
              : combine(policy, known.memory, memory.right, policies),
          merged: allBuckets,
        })
      }
    }
  })
}

/** Combines two memories, each of which counts only the messages of its own process. */
function combine(
  name: string,
  memory: unknown,
  other: unknown,
  policies: ReadonlyArray<Policy>,
): unknown {
  const combined = combineMemories(name, memory, other)
  if (combined !== undefined) return combined
  const policy = policies.find((one) => one.name === name)
  return policy?.channel?.merge(memory, other) ?? other
}

function policiesOf({ webhooks }: ChannelState): ReadonlyArray<Policy> {
  return webhooks.flatMap(({ buckets }) =>
    buckets.flatMap(({ learnedBy }) => (learnedBy === undefined ? [] : [learnedBy])),
  )
}
