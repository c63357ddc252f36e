/** The state of a channel as data. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { LimitedChannel } from "../../../src/ratelimit/distributed/channel.js"
import { encodeChannel, restoreChannel } from "../../../src/ratelimit/distributed/channelData.js"
import {
  BucketState,
  ChannelState,
  RouteState,
  WebhookState,
} from "../../../src/ratelimit/internal/bucketState.js"
import type { Memory } from "../../../src/ratelimit/strategy/adaptive.js"
import { hideMemory } from "../../../src/ratelimit/strategy/Policy.js"
import { Solo } from "./solo.js"

const arrival = { clockOffset: 0, maxClockError: 0, now: 0 }

/** A channel with a memory that contains a hidden limit. */
const makeChannel = (major: string, hasOwnCount: boolean, count: number): LimitedChannel => {
  const [webhook] = Solo.usual().machine.learning.webhooks.unpacked.values()
  const learned = webhook?.buckets[0]?.learned as Memory
  const state = new ChannelState("1")
  state.join(new WebhookState(major))
  const hidden = { ...learned.hidden, openedAt: 5000, count }
  state.memories = new Map([
    ["adaptive", { memory: { ...learned, hidden }, merged: new WeakSet() }],
  ])
  return new LimitedChannel(state, hasOwnCount)
}

const summing = hideMemory<number>({
  name: "summing",
  shouldWait: () => false,
  calculateWait: () => 0,
  initial: 0,
  observe: (memory) => memory,
  data: { schema: Schema.Number },
  channel: { copy: (_, from) => from, merge: (memory, other) => memory + other },
})

const hiddenOf = ({ state }: LimitedChannel) =>
  (state.memories!.get("adaptive")!.memory as Memory).hidden

describe("the state of a channel", () => {
  it("replaces that of another process", () => {
    const to = makeChannel("b", false, 7)
    restoreChannel(to, encodeChannel(makeChannel("a", false, 3), 0), arrival)
    expect(hiddenOf(to).count).toBe(3)
    expect([...to.webhooks].sort()).toEqual(["a", "b"])
  })

  it("is on the clock of the process", () => {
    const to = makeChannel("b", false, 7)
    restoreChannel(to, encodeChannel(makeChannel("a", false, 3), 1000), {
      ...arrival,
      clockOffset: 400,
    })
    expect(hiddenOf(to).openedAt).toBe(5600)
  })

  it("is combined once with what the process has counted itself, and then probed", () => {
    const to = makeChannel("b", true, 7)
    const text = encodeChannel(makeChannel("a", false, 3), 0)
    restoreChannel(to, text, arrival)
    expect(hiddenOf(to).count).toBe(10)
    const { limit, most, schedules } = hiddenOf(to).belief!
    expect(most).toBeGreaterThanOrEqual(2 * limit)
    expect(schedules.restore.clean).toBe(schedules.restore.interval)
    restoreChannel(to, text, arrival)
    expect(hiddenOf(to).count).toBe(3)
  })

  it("is probed up to what has fitted in all processes together", () => {
    const to = makeChannel("d", true, 7)
    const { limit } = hiddenOf(to).belief!
    for (const major of ["a", "b", "c"]) {
      to.hasOwnCount = true
      restoreChannel(to, encodeChannel(makeChannel(major, false, 3), 0), arrival)
    }
    expect(hiddenOf(to).belief!.limit).toBe(limit)
    expect(hiddenOf(to).belief!.most).toBeGreaterThanOrEqual(4 * limit)
  })

  it("is probed up to twice the limit if the other process has not learned any", () => {
    const to = makeChannel("b", true, 7)
    const { limit } = hiddenOf(to).belief!
    const from = makeChannel("a", false, 3)
    const known = from.state.memories!.get("adaptive")!
    const memory = known.memory as Memory
    known.memory = { ...memory, hidden: { ...memory.hidden, belief: undefined } }
    restoreChannel(to, encodeChannel(from, 0), arrival)
    expect(hiddenOf(to).belief!.most).toBe(2 * limit)
  })

  it("of a single webhook has counted the requests of all processes", () => {
    const to = makeChannel("a", true, 7)
    restoreChannel(to, encodeChannel(makeChannel("a", false, 3), 0), arrival)
    expect(hiddenOf(to).count).toBe(3)
  })

  it.each(["", "{", "{}", '{"v":2,"webhooks":[],"memories":[]}', "[]"])(
    "is not changed by %j",
    (text) => {
      const to = makeChannel("a", true, 7)
      expect(Either.isLeft(restoreChannel(to, text, arrival))).toBe(true)
      expect(hiddenOf(to).count).toBe(7)
    },
  )

  it("of a policy of the user is combined by that policy", () => {
    const makeOwn = (major: string, memory: number): LimitedChannel => {
      const state = new ChannelState("1")
      const webhook = new WebhookState(major)
      const bucket = new BucketState("hash", webhook)
      bucket.learnedBy = summing
      webhook.routes = [new RouteState("POST", webhook, bucket)]
      state.join(webhook)
      state.memories = new Map([["summing", { memory, merged: new WeakSet() }]])
      return new LimitedChannel(state, true)
    }
    const to = makeOwn("a", 7)
    restoreChannel(to, encodeChannel(makeOwn("b", 3), 0), arrival)
    expect(to.state.memories!.get("summing")!.memory).toBe(10)
  })

  it("ignores memories that it cannot read", () => {
    const to = makeChannel("a", false, 7)
    const memories = [
      { policy: "adaptive", data: { hidden: 1 } },
      { policy: "unknown", data: 1 },
    ]
    restoreChannel(to, JSON.stringify({ v: 1, webhooks: ["a"], memories }), arrival)
    expect(hiddenOf(to).count).toBe(7)
  })
})
