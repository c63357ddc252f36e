/** What the bench of shared limits counts. */
import { describe, expect, it } from "vitest"
import { bestMakespan, contentOf, countOvertaking, toSent } from "../../bench/distributed/counts.js"
import type { Content } from "../../bench/distributed/counts.js"

const send = (...contents: ReadonlyArray<Content>) =>
  contents.map((content, at) => toSent({ content: contentOf(content), at }))

describe("messages that overtake others", () => {
  const one = { process: 0, number: 0, arrivedAt: 1000 }

  it("are none in the order of arrival, and within 100 ms of it", () => {
    const later = { process: 1, number: 0, arrivedAt: 1099 }
    expect(countOvertaking(send(one, later))).toBe(0)
    expect(countOvertaking(send(later, one))).toBe(0)
  })

  it("arrived 100 ms after another one, at any process", () => {
    const later = { process: 1, number: 0, arrivedAt: 1100 }
    const last = { process: 2, number: 0, arrivedAt: 1200 }
    expect(countOvertaking(send(later, last, one))).toBe(2)
    expect(countOvertaking(send(last, one, later))).toBe(1)
  })

  it("arrived after another one at the same process", () => {
    const next = { process: 0, number: 1, arrivedAt: 1000 }
    expect(countOvertaking(send(next, one))).toBe(1)
    expect(countOvertaking(send(one, next))).toBe(0)
  })
})

describe("the shortest makespan", () => {
  const limit = { limit: 2, periodMs: 1000 }

  it("opens a window with the first message that finds none", () => {
    expect(bestMakespan([0, 0], limit)).toBe(0)
    expect(bestMakespan([0, 0, 0, 0, 0], limit)).toBe(2000)
    expect(bestMakespan([100, 0, 500, 1200], limit)).toBe(1200)
    expect(bestMakespan([0, 5000], limit)).toBe(5000)
  })
})
