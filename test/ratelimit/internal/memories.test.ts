import { describe, expect, it } from "vitest"
import { BucketState, WebhookState, Memories } from "../../../src/ratelimit/internal/bucketState.js"
import { adaptive } from "../../../src/ratelimit/strategy/adaptive.js"
import type { Policy } from "../../../src/ratelimit/strategy/Policy.js"
import { proactive } from "../../../src/ratelimit/strategy/proactive.js"

/** Counts its observations. */
const counting = (name: string): Policy => ({
  ...proactive(1),
  name,
  initial: 0,
  observe: (memory) => (typeof memory === "number" ? memory + 1 : Number.NaN),
  inherit: (memory) => (typeof memory === "number" ? memory * 100 : Number.NaN),
})

const tell = (bucket: BucketState, policy: Policy): void => {
  bucket.observe(policy, { _tag: "Sent", at: 0, waited: 0 })
}

const memoryOf = (bucket: BucketState, name: string): unknown =>
  bucket.seenBy(counting(name)).memory

const bucketState = () => new BucketState("hash", new WebhookState("1:digest"))

describe("Memories", () => {
  it("keep the last that was put in for each policy", () => {
    const memories = new Memories()
    memories.put("a", 1)
    memories.put("b", 2)
    memories.put("a", 3)
    expect([memories.find("a")?.value, memories.find("b")?.value]).toEqual([3, 2])
    expect(memories.find("c")).toBe(undefined)
  })

  it("evict the oldest of more than seven", () => {
    const memories = new Memories()
    for (const name of "abcdefgh") memories.put(name, name)
    expect(memories.find("a")).toBe(undefined)
    for (const name of "bcdefgh") expect(memories.find(name)?.value).toBe(name)
  })

  it("leave the original alone when they are made more or fewer", () => {
    const memories = new Memories()
    memories.put("a", 1)
    expect(memories.with("b", 2).find("b")?.value).toBe(2)
    expect(memories.find("b")).toBe(undefined)
    expect(memories.without("x")).toBe(memories)
    expect(memories.without("a")).toBe(undefined)
    expect(memories.with("b", 2).without("a")?.find("b")?.value).toBe(2)
    expect(memories.find("a")?.value).toBe(1)
  })
})

describe("a bucket", () => {
  it("keeps what each policy has learned, however they take turns", () => {
    const bucket = bucketState()
    for (const name of ["a", "b", "a", "b", "b", "a"]) tell(bucket, counting(name))
    expect([memoryOf(bucket, "a"), memoryOf(bucket, "b"), memoryOf(bucket, "c")]).toEqual([3, 3, 0])
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
    bucket.forget()
    expect([memoryOf(bucket, "a"), memoryOf(bucket, "b"), bucket.learnedBy]).toEqual([
      0,
      0,
      undefined,
    ])
  })

  it("takes findings that throw for none, and ends the policy's next request with the defect", () => {
    const bucket = bucketState()
    const defect = new Error("no findings")
    const broken: Policy = {
      ...counting("broken"),
      findings: () => {
        throw defect
      },
    }
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
