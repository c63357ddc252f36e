/** The turn of a channel with a hidden limit, call by call. */
import { beforeEach, describe, expect, it } from "vitest"
import { response, route } from "../responses.js"
import { responded } from "../../../src/ratelimit/Permit.js"
import { channelKey, describeKey } from "../../../src/ratelimit/distributed/channel.js"
import {
  channel,
  ignorant,
  inChannel,
  isGranted,
  knowing,
  lease,
  majorOf,
  maxWait,
  never,
  type Process,
  takeAway,
  turn,
  validFor,
  waiting,
} from "./TurnsDriver.js"

/** The turn of the channel comes while the process does not have that of the webhook. */
const interfere = (process: Process) => {
  const target = process.turns.get(majorOf("1"))
  process.turns.onWanted(majorOf("1"), 0)
  process.exchange(majorOf("1"), turn(target.turnNumber, 0))
  process.exchange(majorOf("1"), waiting(process.now))
  process.grant(channel, process.now, process.now * 1000 + 1)
  process.exchange(channel, waiting(process.now + 1))
  process.grant(majorOf("1"), process.now + 1)
}

describe("the turn of a channel", () => {
  let process: Process
  beforeEach(() => {
    process = inChannel(["1", "2"])
  })

  it("is needed by messages once a hidden limit is known, and by nothing else", () => {
    const message = process.submit("1")
    expect(isGranted(message)).toBe(false)
    expect(isGranted(process.submit("2", "PATCH"))).toBe(true)
    expect(process.exchange(channel, turn(5))).toMatchObject({ _tag: "Join" })
    expect(isGranted(message)).toBe(true)
    expect(process.restored.filter(({ key }) => key === channel).length).toBe(1)
  })

  it("is not needed while no hidden limit is known", () => {
    expect(isGranted(process.submit("1", "POST", ignorant))).toBe(true)
    expect(process.call(channel)).toBeUndefined()
  })

  it("is needed if only the state of the webhook contains a hidden limit", () => {
    process.settle(process.submit("1", "POST", ignorant))
    const bucket = process.machine.learning.webhooks.get(majorOf("1"))!.buckets[0]!
    bucket.learned = 7
    expect(isGranted(process.submit("1", "POST", ignorant))).toBe(false)
    expect(process.call(channel)).toMatchObject({ _tag: "Join" })
  })

  it.each([knowing, ignorant])(
    "is of a state that includes the messages before: $name",
    (before) => {
      process.settle(process.submit("1", "POST", before))
      process.exchange(channel, turn(5))
      process.submit("2")
      process.exchange(channel, turn(5))
      expect(process.turns.get(channel).channel?.hasOwnCount).toBe(before === ignorant)
      // They are part of the common state when the process uses the channel again.
      process.turns.targets.delete(channel)
      process.submit("2")
      expect(process.turns.get(channel).channel?.hasOwnCount).toBe(false)
    },
  )

  it("is joined for by messages only", () => {
    process.submit("1")
    process.exchange(channel, turn(5))
    process.submit("1", "PATCH")
    const message = process.submit("1")
    process.turns.confirmAll(process.now)
    process.exchange(channel, waiting(9, true))
    expect(process.call(channel)).toMatchObject({ _tag: "Join", requests: [message] })
  })

  it("costs no further call while no other process waits", () => {
    process.submit("1")
    process.exchange(channel, turn(5))
    for (let count = 0; count < 10; count += 1) {
      const message = process.submit("2")
      expect(isGranted(message)).toBe(true)
      process.now += 100
      process.settle(message)
    }
    expect(process.call(channel)).toBeUndefined()
  })

  it("is given away after the messages that waited before those of the other process", () => {
    const first = process.submit("1")
    process.exchange(channel, turn(5, process.now * 1000 + 1))
    process.now += 10
    const second = process.submit("2")
    expect([first, second].map(isGranted)).toEqual([true, false])
    expect(process.exchange(channel, turn(5, process.now * 1000 - 1))).toMatchObject({
      _tag: "Join",
      sequences: [process.now * 1000],
    })
    expect(process.call(channel)).toBeUndefined()
    process.settle(first)
    const give = process.call(channel)
    expect(give).toMatchObject({ how: "give", turnNumber: 5 })
    process.reply(channel, give!, waiting(6))
    expect(isGranted(second)).toBe(false)
    process.grant(channel, 7)
    expect(isGranted(second)).toBe(true)
  })

  it("is only waited for by messages that have the turn of their webhook", () => {
    takeAway(process, "1", 2)
    const message = process.submit("1")
    expect(isGranted(message)).toBe(false)
    expect(process.call(channel)).toBeUndefined()
    process.exchange(majorOf("1"), turn(3))
    expect(process.exchange(channel, turn(5))).toMatchObject({ _tag: "Join" })
    expect(isGranted(message)).toBe(true)
  })

  it("is joined again by a message that had lost the turn of its webhook meanwhile", () => {
    const message = process.submit("1")
    const join = process.exchange(channel, waiting(5))
    takeAway(process, "1", 9)
    process.tick(5000)
    expect(process.call(channel)).toBeUndefined()
    process.grant(majorOf("1"), 10)
    expect(process.call(channel)).toEqual({ ...join, sequences: [process.now * 1000] })
    process.reply(channel, process.call(channel)!, turn(6))
    expect(isGranted(message)).toBe(true)
  })

  it("is joined again after both turns are lost", () => {
    const first = process.submit("1")
    process.exchange(channel, turn(5))
    const second = process.submit("1")
    process.turns.endAll()
    process.exchange(channel, waiting(6))
    process.settle(first)
    process.tick(5000)
    expect(process.call(channel)).toBeUndefined()
    process.exchange(majorOf("1"), turn(3))
    expect(process.exchange(channel, turn(7))).toMatchObject({ requests: [second] })
    expect(isGranted(second)).toBe(true)
  })

  it("that has ended with the time of its call is asked for", () => {
    process.submit("1")
    process.exchange(channel, turn(5))
    process.now += validFor
    process.turns.onTick(process.now)
    expect(process.call(channel)).toMatchObject({ _tag: "Join", sequences: [] })
  })

  it("that was given away unused is joined again", () => {
    const message = process.submit("1")
    process.exchange(channel, waiting(5))
    takeAway(process, "1", 9)
    process.grant(channel, 6, process.now * 1000 + 1)
    expect(isGranted(message)).toBe(false)
    expect(process.exchange(channel, waiting(7))).toMatchObject({ how: "give", turnNumber: 6 })
    process.grant(majorOf("1"), 10)
    // After the sequences that the store has removed.
    expect(process.exchange(channel, turn(8))).toMatchObject({
      _tag: "Join",
      sequences: [process.now * 1000 + 1],
    })
    expect(isGranted(message)).toBe(true)
  })

  it.each([
    ["is settled", true],
    ["loses the turn of its webhook", false],
  ])("is given away as soon as the last message %s", (_, isSettled) => {
    const first = process.submit("1")
    process.exchange(channel, turn(5))
    if (!isSettled) process.submit("1")
    process.turns.onWanted(channel, process.now * 1000 + 1)
    expect(process.call(channel)).toBeUndefined()
    if (!isSettled) {
      process.turns.confirmAll(process.now)
      process.exchange(channel, turn(5, process.now * 1000 + 1))
      process.exchange(majorOf("1"), waiting(9, true))
    }
    process.settle(first)
    expect(process.call(channel)).toMatchObject({ how: "give", turnNumber: 5 })
  })

  it("is that of a channel which was forgotten and is known again", () => {
    const before = process.submit("1")
    process.exchange(channel, turn(5))
    process.settle(before)
    process.machine.learning.webhooks.sweep(never)
    const first = process.submit("1")
    process.settle(first)
    process.turns.onWanted(channel, 0)
    process.exchange(channel, waiting(6))
    const message = process.submit("1")
    expect(isGranted(message)).toBe(false)
    process.exchange(channel, waiting(6))
    process.grant(channel, 7)
    expect(isGranted(message)).toBe(true)
  })

  it.each([
    ["nothing is heard of it", () => {}],
    ["the other process keeps it", (one: Process) => one.exchange(channel, waiting(5))],
    ["the store has never seen it", (one: Process) => one.exchange(channel, waiting(0))],
    ["it comes whenever another process has the turn of the webhook", interfere],
    ["it is lost again and again", (one: Process) => one.turns.endAll()],
  ])("is waited for during one period and one lease, if %s", (_, happen) => {
    const first = process.submit("1")
    const second = process.submit("2")
    const start = process.now
    while (process.now < start + maxWait + 1000 && !isGranted(first)) {
      happen(process)
      if (process.turns.get(majorOf("1")).coversBefore === undefined)
        for (const webhook of ["1", "2"]) process.exchange(majorOf(webhook), turn(process.now))
      process.tick(1000)
    }
    expect([first, second].map(isGranted)).toEqual([true, true])
    expect(process.now - start).toBeLessThanOrEqual(maxWait + 1000)
  })

  it("is waited for during one lease, if every call fails", () => {
    const message = process.submit("1")
    const start = process.now
    while (!isGranted(message)) {
      process.exchange(channel, undefined)
      process.tick(1000)
    }
    expect(process.now - start).toBe(lease)
  })

  it("does not stop messages after one has waited for so long, until there is one", () => {
    const first = process.submit("1")
    process.exchange(channel, waiting(5))
    process.tick(maxWait - 1)
    expect(isGranted(first)).toBe(false)
    process.tick(1)
    expect(isGranted(first)).toBe(true)
    const second = process.submit("2")
    expect(isGranted(second)).toBe(true)
    process.settle(first)
    process.settle(second)
    process.tick(1000)
    process.exchange(channel, turn(6, process.now * 1000 - 1))
    process.exchange(channel, waiting(7))
    expect(isGranted(process.submit("1"))).toBe(false)
    process.grant(channel, 8)
    // Only before the first of them were there messages that the state does not know.
    expect(process.restored.slice(-2)).toEqual([
      { key: channel, hasSentWithoutTurn: true },
      { key: channel, hasSentWithoutTurn: false },
    ])
  })

  it("is waited for again by a message that is repeated", () => {
    const message = process.submit("1")
    process.exchange(channel, turn(5))
    process.tick(maxWait)
    process.turns.onWanted(channel, process.now * 1000 - 1)
    process.machine.retry(message, responded(response()), process.now, process.now)
    expect(isGranted(message)).toBe(false)
    process.tick(1000)
    expect(isGranted(message)).toBe(false)
  })

  it("makes no message fail while the store is unavailable", () => {
    const impatient = inChannel(["1"], { failAfter: 3000 })
    const message = impatient.submit("1")
    impatient.exchange(channel, undefined)
    impatient.tick(2000)
    expect(message.result).toBeUndefined()
    impatient.tick(2000)
    expect(isGranted(message)).toBe(true)
  })
})

it("a log line names a channel as one, and a webhook by its id", () => {
  expect(describeKey(channelKey("7"))).toBe("channel 7")
  expect(describeKey(route().major)).toBe(`webhook ${route().major}`)
})
