import { describe, expect, it } from "vitest"
import {
  BucketState,
  findMemory as find,
  noMemories,
  putMemory as put,
  WebhookState,
  withoutMemory as without,
} from "../../../src/ratelimit/internal/bucketState.js"
import { adaptive } from "../../../src/ratelimit/strategy/adaptive.js"
import type { Policy } from "../../../src/ratelimit/Strategy.js"
import { proactive } from "../../../src/ratelimit/strategy/proactive.js"
import { RoundTrips } from "../../../src/ratelimit/internal/window.js"
import { headers } from "../responses.js"

/** Counts its observations. */
const counting = (name: string): Policy => ({
  ...proactive(1),
  name,
  initial: 0,
  observe: (memory) => (typeof memory === "number" ? memory + 1 : Number.NaN),
  inherit: (memory) => (typeof memory === "number" ? memory * 100 : Number.NaN),
})

const defect = new Error("no findings")

const broken: Policy = {
  ...counting("broken"),
  findings: () => {
    throw defect
  },
}

const tell = (bucket: BucketState, policy: Policy): void => {
  bucket.observe(policy, { _tag: "Sent", at: 0, waited: 0 })
}

const memoryOf = (bucket: BucketState, name: string): unknown =>
  bucket.withMemoryOf(counting(name)).memory

const bucketState = () => new BucketState("hash", new WebhookState("1:digest"))

/** What a bucket has from responses and policies. */
const learnedOf = ({
  earliestDeadline: _deadline,
  id: _id,
  inFlight: _inFlight,
  memory: _memory,
  queue: _queue,
  webhook: _webhook,
  ...learned
}: BucketState) => learned

describe("memories", () => {
  it("are the last that was put in for each policy", () => {
    const memories = put(put(put(noMemories, "a", 1), "b", 2), "a", 3)
    expect([find(memories, "a")?.value, find(memories, "b")?.value]).toEqual([3, 2])
    expect(find(memories, "c")).toBe(undefined)
  })

  it("are seven at most, the last ones", () => {
    let memories = noMemories
    for (const name of "abcdefgh") memories = put(memories, name, name)
    expect(find(memories, "a")).toBe(undefined)
    for (const name of "bcdefgh") expect(find(memories, name)?.value).toBe(name)
  })

  it("leave the original alone when they are made more or fewer", () => {
    const memories = put(noMemories, "a", 1)
    expect(find(put(memories, "b", 2), "b")?.value).toBe(2)
    expect(find(memories, "b")).toBe(undefined)
    expect(without(memories, "x")).toEqual(memories)
    expect(without(memories, "a")).toBe(noMemories)
    expect(find(without(put(memories, "b", 2), "a"), "b")?.value).toBe(2)
    expect(find(memories, "a")?.value).toBe(1)
  })
})

describe("a bucket", () => {
  it("keeps what each policy has learned, however they take turns", () => {
    const bucket = bucketState()
    for (const name of ["a", "b", "a", "b", "b", "a"]) tell(bucket, counting(name))
    expect([memoryOf(bucket, "a"), memoryOf(bucket, "b"), memoryOf(bucket, "c")]).toEqual([3, 3, 0])
  })

  it("keeps the memories of the last eight policies", () => {
    const bucket = bucketState()
    for (const name of "abcdefghi") tell(bucket, counting(name))
    expect(memoryOf(bucket, "a")).toBe(0)
    for (const name of "bcdefghi") expect(memoryOf(bucket, name)).toBe(1)
  })

  it("lets each policy inherit once, and then learn independently", () => {
    const bucket = bucketState()
    for (const name of ["a", "b", "b"]) tell(bucket, counting(name))
    const other = bucketState()
    other.guessFrom(bucket)
    tell(other, counting("a"))
    tell(other, counting("a"))
    tell(bucket, counting("b"))
    expect([memoryOf(other, "a"), memoryOf(other, "b")]).toEqual([102, 200])
    expect([memoryOf(bucket, "a"), memoryOf(bucket, "b")]).toEqual([1, 3])
  })

  it("is emptied by clear", () => {
    const bucket = bucketState()
    for (const name of ["a", "b"]) tell(bucket, counting(name))
    bucket.reset()
    expect([memoryOf(bucket, "a"), memoryOf(bucket, "b"), bucket.learnedBy]).toEqual([
      0,
      0,
      undefined,
    ])
  })

  it("is like a new one after clear", () => {
    const bucket = bucketState()
    const known = bucketState()
    for (const name of ["a", "b"]) tell(known, counting(name))
    bucket.guessFrom(known)
    for (const name of ["c", "d"]) tell(bucket, counting(name))
    bucket.window.onResponse(headers(), 0, 100, false)
    bucket.roundTrip = new RoundTrips({ last: 100 })
    bucket.block("edge", undefined, 0, 100)
    bucket.roll(10_000)
    bucket.findingsOf(broken)
    const changed = Object.entries(learnedOf(bucket))
    const fresh = learnedOf(bucketState())
    for (const entry of changed) expect(Object.entries(fresh)).not.toContainEqual(entry)
    bucket.reset()
    expect(learnedOf(bucket)).toEqual(fresh)
  })

  it("takes findings that throw for none, and ends the policy's next request with the defect", () => {
    const bucket = bucketState()
    expect(bucket.findingsOf(broken)).toEqual({})
    expect(bucket.getDefect(broken)).toEqual({ policy: "broken", defect })
  })

  it("shows the findings of its own memory, not of another policy's", () => {
    const bucket = bucketState()
    tell(bucket, adaptive({ confidence: 0.9 }))
    tell(bucket, counting("a"))
    expect(bucket.findingsOf(adaptive({ confidence: 0.9 }))).toEqual({
      hiddenLimit: undefined,
      hiddenPeriod: undefined,
      othersPerSecond: 0,
      caution: 0,
    })
  })
})
