import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import {
  GlobalLimiter,
  InvalidRequests,
  SendTimes,
} from "../../../src/ratelimit/internal/globalLimiter.js"
import {
  BucketState,
  ChannelState,
  WebhookState,
} from "../../../src/ratelimit/internal/bucketState.js"
import { DeadWebhooks } from "../../../src/ratelimit/deadWebhooks.js"
import { WebhookRegistry } from "../../../src/ratelimit/internal/learning.js"
import { LinkedQueue, Queued } from "../../../src/ratelimit/internal/linkedQueue.js"
import { RoundTrips } from "../../../src/ratelimit/internal/window.js"
import { adaptive } from "../model/policies.js"
import { response, route } from "../responses.js"

const fc = FastCheck

class Item extends Queued<Item> {
  readonly sequence: number
  constructor(sequence: number) {
    super()
    this.sequence = sequence
  }
}

describe("Queue", () => {
  const order = (queue: LinkedQueue<Item>) => [...queue].map(({ sequence }) => sequence)

  it("keeps the order of arrival through any coming and going", () => {
    const steps = fc.array(fc.record({ key: fc.integer({ min: 0, max: 30 }), merge: fc.boolean() }))
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new LinkedQueue<Item>()
        const inside = new Map<number, Item>()
        for (const { key, merge } of all) {
          const item = inside.get(key)
          if (item !== undefined) {
            queue.remove(item)
            inside.delete(key)
            continue
          }
          const fresh = new Item(key)
          inside.set(key, fresh)
          if (merge) queue.merge([fresh])
          else queue.insert(fresh)
        }
        const expected = [...inside.keys()].sort((a, b) => a - b)
        expect(order(queue)).toEqual(expected)
        expect(queue.length).toBe(expected.length)
        expect(queue.head?.sequence).toBe(expected[0])
        for (const item of queue) queue.remove(item)
        expect(queue).toMatchObject({ head: undefined, length: 0 })
      }),
    )
  })
})

describe("GlobalLimiter", () => {
  const gate = (limit: number) => new GlobalLimiter([{ limit, window: 1000 }])

  it("lets a window's worth pass at once, and the next when the first is a window old", () => {
    const one = gate(2)
    expect(one.availableAt("webhook")).toBeLessThanOrEqual(0)
    one.recordSend({}, 0, "webhook")
    one.recordSend({}, 300, "webhook")
    expect(one.availableAt("webhook")).toBe(1000)
    one.recordSend({}, 1000, "webhook")
    expect(one.availableAt("webhook")).toBe(1300)
  })

  it.each([
    [10, 25],
    [38, 28],
    [50, 40],
  ])("learns from ten 429s in a second with %i sends that %i fit, at least half", (sends, fit) => {
    const one = gate(50)
    for (let at = 0; at < sends; at += 1) one.recordSend({}, at, "webhook")
    for (let index = 0; index < 10; index += 1)
      one.block("global", 999 - index, index + 1, index + 20)
    let passed = 0
    for (; one.availableAt("webhook", true) <= 3000; passed += 1) {
      const request = {}
      one.recordSend(request, 3000, "webhook")
      one.onSettled(request, true, "webhook")
    }
    expect(passed).toBe(fit)
  })

  it("adds the spread of round trips, up to a quarter of a second", () => {
    const one = gate(1)
    one.recordSend({}, 0, "webhook")
    one.setLatencySpread(100)
    expect(one.availableAt("webhook")).toBe(1100)
    one.setLatencySpread(5000)
    expect(one.availableAt("webhook")).toBe(1250)
  })

  it("keeps a minimum interval when one is set", () => {
    const one = gate(50)
    one.recordSend({}, 100, "webhook")
    one.setSpacing(150)
    expect(one.availableAt("webhook")).toBe(250)
    one.setSpacing(0)
    expect(one.availableAt("webhook")).toBeLessThanOrEqual(0)
  })

  it("lets one look after a block, and opens when it is well", () => {
    const one = gate(50)
    const [probe, other] = [{}, {}]
    expect(one.block("global", 1000, 0, 0)).toBe(true)
    expect(one.block("global", 500, 0, 0)).toBe(false)
    expect(one.availableAt("webhook")).toBe(1000)
    one.recordSend(probe, 1000, "webhook")
    expect(one.availableAt("webhook")).toBe(Infinity)
    one.onSettled(other, true, "webhook")
    expect(one.availableAt("webhook")).toBe(Infinity)
    one.onSettled(probe, false, "webhook")
    expect(one.availableAt("webhook")).toBe(1000)
    one.recordSend(other, 1100, "webhook")
    one.onSettled(other, true, "webhook")
    one.recordSend(probe, 1200, "webhook")
    expect(one.availableAt("webhook")).toBe(1000)
  })

  it("blocks at the edge for a minute, doubled up to a quarter of an hour", () => {
    const one = gate(50)
    let now = 0
    const minutes = Array.from({ length: 7 }, () => {
      one.block("edge", undefined, now, now)
      const minute = (one.blockedUntil - now) / 60_000
      now = one.blockedUntil
      return minute
    })
    expect(minutes).toEqual([1, 2, 4, 8, 15, 15, 15])
  })

  it("blocks for a second after a global 429 without a delay, doubled up to a minute", () => {
    const one = gate(50)
    let now = 0
    const seconds = Array.from({ length: 8 }, () => {
      one.block("global", undefined, now, now)
      const second = (one.blockedUntil - now) / 1000
      now = one.blockedUntil
      return second
    })
    expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
  })

  it("counts those that were in flight before a block as the same block", () => {
    const one = gate(50)
    one.block("edge", undefined, 0, 100)
    one.block("edge", undefined, 50, 60_200)
    expect(one.blockedUntil).toBe(120_200)
    // A global block first makes no difference.
    const two = gate(50)
    two.block("global", 5000, 0, 0)
    two.block("edge", undefined, 0, 100)
    expect(two.blockedUntil).toBe(60_100)
  })
})

describe("SendTimes", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ _tag: fc.constant("add" as const), after: fc.nat(3) }),
      fc.record({ _tag: fc.constant("postpone" as const), back: fc.integer({ min: 1, max: 6 }) }),
    ),
  )

  it("has the latest sends in order, as a list of all has them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (capacity, all) => {
        const times = new SendTimes()
        times.grow(capacity)
        const list: Array<number> = []
        let now = 0
        for (const step of all) {
          now += 1
          if (step._tag === "add") {
            now += step.after
            times.add(now)
            list.push(now)
          } else if (step.back <= Math.min(capacity, list.length)) {
            const [moved] = list.splice(list.length - step.back, 1)
            times.postpone(moved!, now)
            list.push(now)
          }
          for (let back = 1; back <= capacity; back += 1) {
            expect(times.last(back)).toBe(list.at(-back) ?? -Infinity)
          }
        }
        times.grow(capacity + 2)
        for (let back = 1; back <= capacity; back += 1) {
          expect(times.last(back)).toBe(list.at(-back) ?? -Infinity)
        }
        times.add(now + 1)
        expect(times.last(1)).toBe(now + 1)
        expect(times.last(2)).toBe(list.at(-1) ?? -Infinity)
        times.postpone(-5, now + 2)
        expect(times.last(1)).toBe(now + 1)
      }),
    )
  })
})

describe("DeadWebhooks", () => {
  const dead = (code = 10015) => response({ status: 404, code, message: "gone" })

  it("recognizes the two codes of a dead webhook", () => {
    expect(
      [10015, 50027, 10008, 0].map((code) => DeadWebhooks.isGone(dead(code), "webhook")),
    ).toEqual([true, true, false, false])
  })

  it("remembers for an hour", () => {
    const graveyard = new DeadWebhooks()
    graveyard.add(route().major, dead(), 0)
    expect(graveyard.find(route(), 3_599_999)).toMatchObject({ _tag: "WebhookNotFound" })
    expect(graveyard.find(route({ webhookId: "2" }), 0)).toBe(undefined)
    expect(graveyard.find(route(), 3_600_000)).toBe(undefined)
    expect(graveyard.size).toBe(0)
  })

  it("sweeps those that have expired, and holds no more than ten thousand", () => {
    const graveyard = new DeadWebhooks()
    for (let index = 0; index < 10_010; index++) graveyard.add(String(index), dead(), index)
    expect(graveyard.size).toBe(10_000)
    graveyard.sweep(3_600_000 + 5009)
    expect(graveyard.size).toBe(5000)
    graveyard.clear("9999")
    expect(graveyard.size).toBe(4999)
    graveyard.sweep(10_000_000)
    expect(graveyard.size).toBe(0)
    graveyard.add("1", dead(50027), 0)
    graveyard.clear()
    expect(graveyard.size).toBe(0)
  })
})

describe("InvalidRequests", () => {
  it("counts 401, 403 and 429 unless shared", () => {
    const limited = (scope: "user" | "shared") =>
      response({ status: 429, limited: { scope, retryAfter: 1 } })
    const all = [
      response({ status: 401 }),
      response({ status: 403 }),
      limited("user"),
      limited("shared"),
      response({ status: 404 }),
      response(),
    ]
    expect(all.map((one) => InvalidRequests.isInvalid(one))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it("evicts after ten minutes, and not before", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3_600_000 })),
        fc.integer({ min: 0, max: 4_000_000 }),
        (times, until) => {
          const invalid = new InvalidRequests(8000)
          const seen = times.filter((at) => at <= until).sort((a, b) => a - b)
          for (const at of seen) invalid.add(at)
          expect(invalid.count(until)).toBe(seen.filter((at) => at > until - 600_000).length)
        },
      ),
    )
  })

  it("spaces requests so that the rest of the budget lasts", () => {
    const invalid = new InvalidRequests(4)
    expect(invalid.spacing(0)).toBe(0)
    invalid.add(0)
    invalid.add(0)
    expect(invalid.spacing(0)).toBe(300_000)
    invalid.add(0)
    invalid.add(0)
    expect(invalid.spacing(0)).toBe(600_000)
    expect(invalid.retryAfter(1000)).toBe(599_000)
    expect(invalid.retryAfter(700_000)).toBe(0)
  })
})

describe("RoundTrips", () => {
  it("returns the recent extremes", () => {
    const trips = new RoundTrips({ last: 100 })
    trips.add(50)
    trips.add(200)
    expect(trips).toMatchObject({ last: 200, shortest: 50, longest: 200, count: 3 })
    for (let index = 0; index < 200; index++) trips.add(100)
    expect(trips).toMatchObject({ last: 100, shortest: 100, longest: 100, count: 203 })
    expect(new RoundTrips(trips)).toMatchObject({ shortest: 100, count: 203 })
  })
})

describe("a channel", () => {
  const join = (registry: WebhookRegistry, webhookId: string, id: string): WebhookState => {
    const { webhook } = registry.getRouteState(route({ webhookId }))
    registry.assignChannel(webhook, id)
    return webhook
  }

  it("is shared from its second webhook on, and evicted with its last", () => {
    const registry = new WebhookRegistry()
    const first = join(registry, "1", "7")
    expect(first.channel?.isShared).toBe(false)
    const { channel } = join(registry, "2", "7")
    expect([channel?.isShared, channel?.webhooks.length]).toEqual([true, 2])
    expect(first.channel).toBe(channel)
    registry.markIdle(first, 0)
    registry.sweep(1)
    expect([first.channel, channel?.webhooks.length]).toEqual([undefined, 1])
    registry.markIdle(channel!.webhooks[0]!, 0)
    registry.sweep(1)
    expect(join(registry, "3", "7").channel).not.toBe(channel)
  })

  it("changes when a webhook is moved", () => {
    const registry = new WebhookRegistry()
    const moved = join(registry, "1", "7")
    const { channel } = join(registry, "2", "7")
    registry.assignChannel(moved, "8")
    expect([moved.channel?.id, channel?.webhooks.length]).toEqual(["8", 1])
  })

  it("concerns the bucket of messages, and no other", () => {
    const registry = new WebhookRegistry()
    const webhook = join(registry, "1", "7")
    join(registry, "2", "7")
    const edit = registry.getRouteState(route({ method: "PATCH", template: "/edit" }))
    expect(edit.webhook).toBe(webhook)
    expect(webhook.buckets.map((bucket) => bucket.channel?.id)).toEqual(["7", undefined])
  })

  it("leaves policies without a part for the channel alone", () => {
    const channel = new ChannelState("7")
    for (const major of ["1", "2"]) channel.join(new WebhookState(major))
    const { channel: _, ...alone } = adaptive
    expect(channel.recall(alone, new BucketState("hash", channel.webhooks[0]!), 1)).toBe(1)
  })
})
