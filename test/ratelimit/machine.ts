/** The limiter's state machine, whose timers fire when a test wants it. */
import { encodeWebhook } from "../../src/ratelimit/distributed/webhookData.js"
import type { PendingRequest, RequestOptions } from "../../src/ratelimit/internal/bucketState.js"
import type { TimerTarget } from "../../src/ratelimit/internal/pendingRequests.js"
import { StateMachine } from "../../src/ratelimit/internal/stateMachine.js"
import type { Route } from "../../src/ratelimit/Route.js"
import { combine, type Settings } from "../../src/ratelimit/settings.js"
import { literal } from "./model/policies.js"
import { route } from "./responses.js"

export interface SubmitOptions extends Partial<RequestOptions> {
  readonly route?: Route
  readonly webhookId?: string
  /** Called with each permit and with an error. */
  readonly resume?: Parameters<StateMachine["submit"]>[3]
}

/** Makes a machine with the default settings, except for these. */
export const makeMachine = (settings: Partial<Settings> = {}) => {
  const timers = new Map<TimerTarget, number>()
  const machine = new StateMachine({ ...combine([]), ...settings }, (target, at) => {
    if (at === undefined) timers.delete(target)
    else timers.set(target, at)
  })

  /** Submits a request, by default a literal one in order, which waits without end and never expires. */
  const submit = (now: number, options: SubmitOptions = {}): PendingRequest => {
    const { resume, route: ownRoute, webhookId, ...rest } = options
    const wish = { policy: literal, ordered: true, maxWait: Infinity, lease: Infinity, owner: {} }
    return machine.submit(
      ownRoute ?? route(webhookId === undefined ? {} : { webhookId }),
      { ...wish, ...rest },
      now,
      resume,
    )
  }

  /** The time of the next timer. */
  const nextTimer = (): number => Math.min(...timers.values())

  /** Fires the next timer; a late one at `now`. */
  const fireNext = (now = 0): void => {
    const [next] = [...timers].sort(([, one], [, other]) => one - other)
    if (next === undefined) throw new Error("there is no timer")
    const [target, at] = next
    timers.delete(target)
    machine.wake(target, Math.max(now, at))
  }

  /** Fires the timers that are due until an instant. */
  const advance = (until: number): void => {
    while (nextTimer() <= until) fireNext()
  }

  return { machine, submit, timers, nextTimer, fireNext, advance }
}

/** Returns all that a machine stores of a webhook, as data. */
export const encodeState = (machine: StateMachine, webhookId: string): unknown =>
  encodeWebhook(machine, route({ webhookId }).major, 0)
