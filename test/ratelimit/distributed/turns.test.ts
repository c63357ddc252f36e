/** The turn of a webhook, call by call. */
import * as Exit from "effect/Exit"
import { beforeEach, describe, expect, it } from "vitest"
import {
  ignorant,
  inChannel,
  isGranted,
  lease,
  majorOf,
  never,
  Process,
  takeAway,
  turn,
  validFor,
  waiting,
} from "./TurnsDriver.js"

describe("a turn", () => {
  let process: Process
  const major = majorOf("1")
  beforeEach(() => {
    process = inChannel(["1"])
  })
  const submit = () => process.submit("1", "PATCH", ignorant)
  /** What the first response has shown gets into the store. */
  const save = () => {
    process.tick(0)
    expect(process.exchange(major, turn(1))).toEqual({ _tag: "Save", how: "keep", turnNumber: 1 })
  }

  it("saves a limit once it is known", () => {
    save()
    process.tick(1000)
    expect(process.call(major)).toBeUndefined()
    const edit = submit()
    process.tick(1000)
    expect(process.call(major)).toBeUndefined()
    process.settle(edit)
    save()
  })

  it("is renewed after half of its time, while it is in use", () => {
    save()
    submit()
    process.tick(validFor / 2 - 1)
    expect(process.call(major)).toBeUndefined()
    process.tick(1)
    expect(process.exchange(major, turn(1))).toMatchObject({ how: "keep", turnNumber: 1 })
    process.tick(validFor / 2 - 1)
    expect(isGranted(submit())).toBe(false)
    expect(process.call(major)).toBeUndefined()
  })

  it("ends without a renewal, and what waits joins the queue", () => {
    submit()
    const before = submit()
    process.now += validFor
    const after = submit()
    const call = process.call(major)
    expect(call?._tag === "Join" && call.requests).toEqual([before, after])
    expect(call?._tag === "Join" && call.sequences.length).toBe(2)
    process.reply(major, call!, waiting(4))
    expect([before, after].map(isGranted)).toEqual([false, false])
  })

  it("is given up if it is not used for long, and then forgotten", () => {
    save()
    process.tick(validFor - 1)
    expect(process.call(major)).toBeUndefined()
    process.tick(1)
    expect(process.exchange(major, waiting(1))).toMatchObject({ how: "leave", turnNumber: 1 })
    process.tick(validFor)
    expect(process.call(major)).toBeUndefined()
    process.tick(1)
    expect(process.turns.targets.has(major)).toBe(false)
  })

  it("of an earlier number is not taken", () => {
    takeAway(process, "1", 5)
    const request = submit()
    process.grant(major, 1)
    process.grant(major, 0)
    expect(isGranted(request)).toBe(false)
    process.grant(major, 6)
    expect(isGranted(request)).toBe(true)
    expect(process.restored.length).toBe(2)
  })

  it("that is confirmed is not restored", () => {
    process.turns.confirmAll(process.now)
    expect(process.exchange(major, turn(1))).toMatchObject({ how: "keep", turnNumber: 1 })
    expect(process.restored.length).toBe(1)
  })

  it.each([1, 9])("that a store has lost to turn %d is joined for again", (turnNumber) => {
    submit()
    const waits = submit()
    process.turns.confirmAll(process.now)
    process.exchange(major, waiting(turnNumber, true))
    expect(process.turns.get(major).coversBefore).toBeUndefined()
    expect(process.exchange(major, waiting(turnNumber))).toMatchObject({
      _tag: "Join",
      requests: [waits],
    })
    expect(isGranted(waits)).toBe(false)
  })

  it("that came before the reply to an earlier call is confirmed", () => {
    takeAway(process, "1", 5)
    submit()
    const join = process.call(major)
    process.grant(major, 6)
    process.reply(major, join!, waiting(5))
    expect(process.call(major)).toMatchObject({ how: "keep", turnNumber: 6 })
  })

  it("is confirmed if its reply is older than the last loss", () => {
    takeAway(process, "1", 5)
    submit()
    const join = process.call(major)
    process.turns.confirmAll(process.now)
    process.reply(major, join!, turn(6))
    expect(process.exchange(major, turn(6))).toMatchObject({ how: "keep", turnNumber: 6 })
    expect(process.call(major)).toBeUndefined()
  })

  it("ends before a request of another process that is reported during the call", () => {
    takeAway(process, "1", 5)
    const first = submit()
    const join = process.call(major)
    process.turns.onWanted(major, process.now * 1000 + 1)
    process.reply(major, join!, turn(6))
    process.now += 10
    const second = submit()
    process.settle(first)
    expect([first, second].map(isGranted)).toEqual([true, false])
  })

  it("that the store shortens is joined for again by what it does not cover any more", () => {
    takeAway(process, "1", 5)
    process.grant(major, 6)
    const first = submit()
    process.now += 10
    const second = submit()
    process.turns.confirmAll(process.now)
    process.exchange(major, turn(6, process.now * 1000))
    expect(process.exchange(major, turn(6, process.now * 1000))).toMatchObject({
      requests: [second],
      sequences: [process.now * 1000],
    })
    process.settle(first)
    expect(isGranted(second)).toBe(false)
  })

  it("is given away as soon as its last request is settled", () => {
    const request = submit()
    process.turns.onWanted(major, process.now * 1000 + 1)
    expect(process.call(major)).toBeUndefined()
    process.settle(request)
    expect(process.call(major)).toMatchObject({ how: "give", turnNumber: 1 })
  })

  it("covers what has arrived during the call", () => {
    takeAway(process, "1", 5)
    submit()
    const join = process.call(major)
    process.now += 10
    submit()
    process.reply(major, join!, turn(6))
    expect(process.call(major)).toBeUndefined()
  })

  it("is joined for again a second after a call has failed", () => {
    takeAway(process, "1", 5)
    const request = submit()
    const join = process.exchange(major, undefined)
    expect(join).toMatchObject({ _tag: "Join", requests: [request] })
    process.tick(999)
    expect(process.call(major)).toBeUndefined()
    process.tick(1)
    expect(process.call(major)).toEqual(join)
  })

  it("is asked for after a call has failed that may have given it away", () => {
    process.turns.onWanted(major, 0)
    expect(process.exchange(major, undefined)).toMatchObject({ how: "give" })
    process.tick(1000)
    const ask = process.call(major)
    expect(ask).toMatchObject({ how: "keep", turnNumber: 1 })
    process.reply(major, ask!, waiting(5, true))
    expect(process.turns.get(major).coversBefore).toBeUndefined()
  })

  it("that is not used is given away at once", () => {
    takeAway(process, "1", 5)
    process.grant(major, 6, 7)
    expect(process.call(major)).toMatchObject({ how: "give", turnNumber: 6 })
  })

  it.each([
    [0, [1000, 6000, 11_000]],
    [5, [5000, 10_000, 15_000]],
  ])("is polled for every 5 seconds, and earlier if turn %d shows none", (turnNumber, expected) => {
    const other = process.submit("3")
    process.exchange(majorOf("3"), waiting(turnNumber))
    const polls: Array<number> = []
    const start = process.now
    while (polls.length < 3) {
      process.tick(500)
      if (process.exchange(majorOf("3"), waiting(turnNumber)) !== undefined)
        polls.push(process.now - start)
    }
    expect(polls).toEqual(expected)
    expect(isGranted(other)).toBe(false)
  })

  it("is polled for although requests arrive all the time", () => {
    const polls: Array<number> = []
    const start = process.now
    while (process.now < start + 16_000) {
      process.submit("3")
      const { nextPollAt } = process.turns.get(majorOf("3"))
      if (process.now >= nextPollAt) polls.push(process.now - start)
      process.exchange(majorOf("3"), waiting(5))
      process.tick(1000)
    }
    expect(polls).toEqual([5000, 10_000, 15_000])
  })

  it("is no more polled for when nothing waits for it", () => {
    const other = process.submit("3")
    process.exchange(majorOf("3"), waiting(5))
    process.machine.cancel(other, process.now)
    process.tick(5000)
    expect(process.call(majorOf("3"))).toBeUndefined()
    expect(process.turns.get(majorOf("3")).nextPollAt).toBe(never)
  })
})

describe("a turn without a state, after the store lost everything", () => {
  const major = majorOf("1")
  const isTaken = (call: ReturnType<Process["call"]>) =>
    call?._tag === "Join" && call.sequences.length

  const hold = (options?: { readonly failAfter: number }) => {
    const process = new Process(options)
    process.presence.lostTurnsValidUntil = process.now + lease
    const request = process.submit("1")
    expect(isTaken(process.exchange(major, turn(5)))).toBe(1)
    expect(isGranted(request)).toBe(false)
    return { process, request }
  }

  it("is not used for a lease, and each second the queue is joined again", () => {
    const { process, request } = hold()
    for (let seconds = 1; seconds < lease / 1000; seconds += 1) {
      process.tick(999)
      expect(process.call(major)).toBeUndefined()
      process.tick(1)
      expect(isTaken(process.exchange(major, turn(5)))).toBe(1)
      expect(isGranted(request)).toBe(false)
    }
    process.tick(1000)
    expect(isTaken(process.exchange(major, turn(5)))).toBe(1)
    expect(isGranted(request)).toBe(true)
    process.settle(request)
  })

  it("is over when the process that had it before takes it back", () => {
    const { process, request } = hold()
    process.tick(1000)
    process.exchange(major, waiting(3))
    process.turns.onTurn(
      process.turns.get(major),
      { turnNumber: 6, coversBefore: never, state: "state", isStateOutdated: false },
      process.now,
    )
    expect(isGranted(request)).toBe(true)
  })

  it("does not keep a request from failing when the store is unavailable", () => {
    const { process, request } = hold({ failAfter: 3000 })
    process.tick(1000)
    process.exchange(major, undefined)
    process.tick(3000)
    expect(request.result !== undefined && Exit.isFailure(request.result)).toBe(true)
  })

  it("is not taken by a process that has one: it keeps its own", () => {
    const process = inChannel(["1"])
    process.tick(0)
    process.exchange(major, turn(1))
    // The second one waits for the first.
    process.submit("1", "PATCH", ignorant)
    process.submit("1", "PATCH", ignorant)
    process.presence.lostTurnsValidUntil = process.now + lease
    process.turns.onWanted(major, 0)
    expect(isTaken(process.exchange(major, turn(7)))).toBe(1)
    expect(process.call(major)).toEqual({ _tag: "Save", how: "keep", turnNumber: 1 })
  })
})
