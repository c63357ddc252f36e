/** A machine without a network: its timers expire in order. */
import { readFileSync } from "node:fs"
import * as Exit from "effect/Exit"
import type { Route } from "../../../src/ratelimit/Route.js"
import type { Outcome } from "../../../src/ratelimit/Permit.js"
import type { Policy } from "../../../src/ratelimit/Strategy.js"
import { makeMachine } from "../machine.js"
import { adaptive } from "../model/policies.js"
import { limited, ok, route } from "../responses.js"
import { withoutLimits } from "./traces.js"

export class Solo {
  now: number
  readonly #driver = makeMachine(withoutLimits.settings)
  readonly machine = this.#driver.machine

  constructor(now: number) {
    this.now = now
  }

  submit(of: Route, policy: Policy) {
    return this.#driver.submit(this.now, { route: of, policy, ordered: false, lease: 60_000 })
  }

  /** The time at which a request on a route starts; `Infinity` if it fails, or only a response would start it. */
  start(name: string, major: string, policy: Policy): number {
    const request = this.submit({ ...route(), major, name }, policy)
    while (request.result === undefined) if (!this.#expireNext()) return Number.POSITIVE_INFINITY
    this.machine.cancel(request, this.now)
    return Exit.isSuccess(request.result) ? this.now : Number.POSITIVE_INFINITY
  }

  /** Sends a request as soon as possible, whose response takes so many milliseconds. */
  exchange(policy: Policy, takes: number, outcome: Outcome = ok()): void {
    const request = this.submit(route(), policy)
    while (request.result === undefined) if (!this.#expireNext()) throw new Error("never granted")
    this.now += takes
    this.machine.settle(request, outcome, this.now)
  }

  #expireNext(): boolean {
    const { fireNext, nextTimer, timers } = this.#driver
    if (timers.size === 0) return false
    this.now = Math.max(this.now, nextTimer())
    fireNext(this.now)
    return true
  }

  /** A webhook with one bucket, on which the adaptive strategy has learned a hidden limit. */
  static usual(): Solo {
    const solo = new Solo(1000)
    const reset = 1_700_000_003_050
    for (const remaining of [4, 3, 2]) {
      const headers = { remaining, reset, resetAfter: 3050 - solo.now }
      solo.exchange(adaptive, 100, ok(headers))
    }
    const headers = { remaining: 1, reset, resetAfter: 3050 - solo.now }
    solo.exchange(adaptive, 120, limited(59_400, "shared", headers))
    return solo
  }
}

const readCompact = (name: string): string =>
  JSON.stringify(JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")))

/** The data of `Solo.usual()`. */
export const golden = readCompact("webhook.json")

/** Data with a different number in every field. */
export const everything = readCompact("everything.json")
