/** A policy of an oracle on a scenario as the strategies get it: same messages, ways and others. */
import { makeBucket, takeSlot } from "../../../src/testing/simulator/bucket.js"
import { seededRandom } from "../../../src/testing/simulator/generate.js"
import type { Scenario } from "../scenario.js"
import { drawOutside, type Trip } from "../world.js"
import { type Contest, contestOf, type Policy } from "./contest.js"
import { bestOnFixed } from "./fixed.js"
import { bestOnLeaking } from "./leaking.js"

export interface Played {
  readonly makespan: number
  /** Answers 429. */
  readonly limited: number
}

export function bestPolicy(scenario: Scenario, price: number): Policy {
  const contest: Contest = contestOf(scenario, price)
  return scenario.model === "leaking" ? bestOnLeaking(contest) : bestOnFixed(contest)
}

/** On one webhook, in order. */
export function play(scenario: Scenario, policy: Policy, seed: number): Played {
  const { rule } = contestOf(scenario, 0)
  const outside = drawOutside(scenario, seed)
  const others = (outside.foreign[0] ?? []).values()
  const random = seededRandom(seed + 1)
  const bucket = makeBucket()
  let other = others.next()
  let sendAt = 0
  let makespan = 0
  let limited = 0

  /** Whether it was accepted. Whoever asked before it arrives is counted before it. */
  const send = ({ there, back }: Trip): boolean => {
    const now = sendAt + there
    while (other.done !== true && other.value < now) {
      takeSlot(bucket, rule, other.value)
      other = others.next()
    }
    const counted = takeSlot(bucket, rule, now)
    sendAt = now + policy(counted, back)
    makespan = now + back
    return counted.accepted
  }

  for (const first of outside.trips[0] ?? []) {
    let trip = first
    while (!send(trip)) {
      limited += 1
      trip = { there: scenario.link.there(random), back: scenario.link.back(random) }
    }
  }
  return { makespan, limited }
}
