/**
 * What the policies of a process have learned for a channel with a hidden limit, as JSON text. The process with
 * the turn of the channel is the only one that sends messages to it, so that its count is that of all.
 */
import * as Either from "effect/Either"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { ChannelState } from "../internal/bucketState.js"
import type { SharedChannel } from "./channel.js"
import type { Policy } from "../strategy/Policy.js"
import { combineMemories, decodeMemory, encodeMemory, findData } from "./policyData.js"
import type { Arrival } from "./bucketData.js"

const ChannelData = Schema.Struct({
  v: Schema.Literal(1),
  /** `Route.major` of each webhook. */
  webhooks: Schema.Array(Schema.String),
  memories: Schema.Array(Schema.Struct({ policy: Schema.String, data: Schema.Unknown })),
})

const Text = Schema.parseJson(ChannelData)
const encodeText = Schema.encodeSync(Text)
const decodeText = Schema.decodeUnknownEither(Text)

/** The memory of a webhook is a copy of its channel's, whose requests must not count twice. */
const everything = { has: () => true, add: () => undefined }

/** The state of a channel. `shift` is added to every time of this process. */
export function encodeChannel({ state: channel, webhooks }: SharedChannel, shift: number): string {
  for (const { major } of channel.webhooks) webhooks.add(major)
  const policies = policiesOf(channel)
  const memories = [...(channel.memories ?? [])].flatMap(([policy, { memory }]) => {
    const codec = findData(policy, policies)
    const data = codec === undefined ? undefined : encodeMemory(codec, memory, shift)
    return data !== undefined && Either.isRight(data) ? [{ policy, data: data.right }] : []
  })
  return encodeText({ v: 1, webhooks: [...webhooks], memories })
}

/** Replaces what this process has learned for a channel; the first time, combines both. */
export function restoreChannel(
  shared: SharedChannel,
  text: string,
  { shift, uncertainty }: Omit<Arrival, "policies">,
): Either.Either<void, ParseError> {
  const { state: channel } = shared
  const policies = policiesOf(channel)
  return Either.map(decodeText(text), ({ memories, webhooks }) => {
    for (const major of [...webhooks, ...channel.webhooks.map((one) => one.major)]) {
      shared.webhooks.add(major)
    }
    // The state of a single webhook has counted the requests of all processes.
    const isCommon = !shared.hasOwnCount || shared.webhooks.size === 1
    shared.hasOwnCount = false
    channel.memories ??= new Map()
    for (const { data, policy } of memories) {
      const codec = findData(policy, policies)
      const memory = codec && decodeMemory(codec, data, -shift, uncertainty)
      if (memory !== undefined && Either.isRight(memory)) {
        const known = channel.memories.get(policy)
        channel.memories.set(policy, {
          memory:
            isCommon || known === undefined
              ? memory.right
              : combine(policy, known.memory, memory.right, policies),
          merged: everything,
        })
      }
    }
  })
}

/** The process has counted its own messages until now. */
function combine(
  name: string,
  memory: unknown,
  other: unknown,
  policies: ReadonlyArray<Policy>,
): unknown {
  const own = combineMemories(name, memory, other)
  if (own !== undefined) return own
  const policy = policies.find((one) => one.name === name)
  return policy?.channel?.merge(memory, other) ?? other
}

function policiesOf({ webhooks }: ChannelState): ReadonlyArray<Policy> {
  return webhooks.flatMap(({ buckets }) =>
    buckets.flatMap(({ learnedBy }) => (learnedBy === undefined ? [] : [learnedBy])),
  )
}
