/** The bench of a bad network in small: every client against a real server, and every error accurate. */
import { fork } from "node:child_process"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { faultOf } from "../../bench/chaos/faults.js"
import { count, holds } from "../../bench/chaos/ledger.js"
import type { Entry, Result } from "../../bench/chaos/ledger.js"
import { clients, run } from "../../bench/chaos/run.js"

const sends = 400
const seed = 5

const serve = async () => {
  const child = fork(resolve(import.meta.dirname, "../../bench/chaos/server.ts"), {
    execArgv: ["--import", "tsx"],
  })
  const next = <A>() => new Promise<A>((done) => child.once("message", (text) => done(text as A)))
  const port = await next<number>()
  return { child, next, port }
}

describe("on a bad network", () => {
  it.each(Object.entries(clients))(
    "%s loses, doubles and misreports nothing",
    async (_, client) => {
      const { child, next, port } = await serve()
      const begun = next()
      child.send({ seed, sends, timeout: 1000 })
      await begun
      const ran = await Effect.runPromise(run({ client, port, seed, sends, timeout: 1000 }))
      const ledger = next<ReadonlyArray<Entry>>()
      child.send("report")
      const counts = count(ran.results, await ledger, ran.stillCounted)
      child.disconnect()
      expect(counts).toMatchObject({
        lost: 0,
        doubled: 0,
        falselyNo: 0,
        falselyYes: 0,
        unsettled: 0,
      })
      expect(counts.delivered).toBeGreaterThan(sends / 2)
      expect(counts.inDoubt).toBeGreaterThan(0)
    },
  )
})

describe("the ledger", () => {
  const entry = (arrivals: number, stored: number): Entry => ({ arrivals, stored })
  const told = (said: Result["told"], succeeded = false): Result => ({ told: said, succeeded })

  it("counts each kind of falsehood", () => {
    const results = [
      told("yes", true),
      told("yes", true),
      told("no"),
      told("yes"),
      told("unknown"),
      told("unknown"),
      told("never ended"),
      told("none"),
    ]
    const ledger = [
      entry(1, 0),
      entry(2, 2),
      entry(1, 1),
      entry(1, 0),
      entry(1, 0),
      entry(0, 0),
      entry(0, 0),
      entry(1, 1),
    ]
    const counts = count(results, ledger, 3)
    expect(counts).toEqual({
      sends: 8,
      delivered: 3,
      lost: 1,
      doubled: 1,
      falselyNo: 1,
      falselyYes: 1,
      unsettled: 4,
      inDoubt: 1,
      neverLeft: 1,
    })
    expect(holds(counts)).toBe(false)
    const none = { lost: 0, doubled: 0, falselyNo: 0, falselyYes: 0, unsettled: 0 }
    expect(holds({ ...counts, ...none })).toBe(false)
    expect(holds({ ...counts, ...none, inDoubt: 20 })).toBe(true)
  })

  it("meets every fault with some seed, and the same faults with the same seed", () => {
    const names = (from: number) =>
      Array.from({ length: 5000 }, (_, message) => faultOf(from, message, 0).name)
    expect(names(1)).toEqual(names(1))
    expect(names(1)).not.toEqual(names(2))
    expect(new Set(names(1)).size).toBe(21)
  })
})
