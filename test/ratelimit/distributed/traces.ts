/** Traces of one webhook, with a server that follows no rules, to reach every state of a bucket. */
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type { LimitScope, ResponseInfo } from "../../../src/ratelimit/ResponseInfo.js"
import type { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import { encodeWebhook, restoreWebhook } from "../../../src/ratelimit/distributed/webhookData.js"
import type { Policy } from "../../../src/ratelimit/Strategy.js"
import { type Job, ModelRun } from "../model/modelRun.js"
import { proactive, reactive, adaptive, pacedProactive } from "../model/policies.js"
import { anything, type Scenario } from "../model/scenarios.js"
import { Server } from "../model/server.js"
import { headers, response } from "../responses.js"

const fc = FastCheck

/** Responds from a list, whatever the requests are. */
class Scripted extends Server {
  readonly #responses: ReadonlyArray<(now: number) => ResponseInfo>
  #next = 0

  constructor(responses: ReadonlyArray<(now: number) => ResponseInfo>) {
    super({
      kind: "fixed",
      limit: 1,
      window: 1000,
      skew: 0,
      hash: "none",
      headers: "all",
      global: undefined,
    })
    this.#responses = responses
  }

  override handle(_webhook: string, _route: string, now: number): ResponseInfo {
    const respond = this.#responses[this.#next % this.#responses.length]!
    this.#next += 1
    return respond(now)
  }
}

interface Answer {
  readonly bucket: string | undefined
  readonly limit: number | undefined
  readonly remaining: number | undefined
  /** The window ends on a grid, so that several responses have one window; 1: now. */
  readonly grid: number | undefined
  readonly hasReset: boolean
  readonly limited:
    | { readonly scope: LimitScope; readonly retryAfter: number | undefined }
    | undefined
  readonly isGone: boolean
}

const often = <A>(value: FastCheck.Arbitrary<A>, missing = 8) =>
  fc.option(value, { freq: missing, nil: undefined })

const answer: FastCheck.Arbitrary<Answer> = fc.record({
  bucket: often(fc.constantFrom("a", "b")),
  limit: often(fc.constantFrom(2, 5)),
  remaining: often(fc.integer({ min: 0, max: 5 })),
  grid: often(fc.constantFrom(700, 2000, 2500, 1)),
  hasReset: fc.boolean(),
  limited: fc.option(
    fc.record({
      scope: fc.constantFrom("user" as const, "shared" as const),
      retryAfter: often(fc.constantFrom(300, 2500, 9000, 60_000), 4),
    }),
    { freq: 4, nil: undefined },
  ),
  isGone: fc.oneof({ weight: 60, arbitrary: fc.constant(false) }, fc.constant(true)),
})

function respondWith({ bucket, grid, hasReset, isGone, limit, limited, remaining }: Answer) {
  return (now: number): ResponseInfo => {
    if (isGone) return response({ status: 404, code: 10015, message: "Unknown Webhook" })
    const reset =
      grid === undefined ? undefined : (Math.floor(now / grid) + Number(grid > 1)) * grid
    return response({
      status: limited === undefined ? 200 : 429,
      limited,
      headers: headers({
        bucket,
        limit,
        remaining,
        reset: hasReset ? reset : undefined,
        resetAfter: reset === undefined ? undefined : reset - now,
      }),
    })
  }
}

export interface Trace {
  readonly scenario: Scenario
  readonly answers: ReadonlyArray<Answer> | undefined
  /** When the state is passed on. */
  readonly passes: ReadonlyArray<number>
}

const strategies: ReadonlyArray<ReadonlyArray<Policy>> = [
  [adaptive],
  [proactive],
  [reactive],
  [pacedProactive],
  [adaptive, proactive, reactive],
]

/** Single requests in many windows, as hidden limits are learned; few of them leave. */
const long = (job: Job, index: number): Job => ({
  ...job,
  at: index * 900 + (job.at % 1700),
  maxWait: undefined,
  leavesAfter: index % 9 === 0 ? job.leavesAfter : undefined,
})

export const traces: FastCheck.Arbitrary<Trace> = fc
  .record({
    scenario: anything,
    answers: often(fc.array(answer, { minLength: 1, maxLength: 30 }), 3),
    passes: fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 8 }),
    policies: fc.constantFrom(...strategies),
    isLong: fc.boolean(),
  })
  .map(({ answers, isLong, passes, policies, scenario }) => ({
    answers,
    passes,
    scenario: {
      ...scenario,
      server: { ...scenario.server, global: undefined },
      jobs: scenario.jobs.map((one, index) => ({
        ...(isLong ? long(one, index) : one),
        webhook: 0,
        policy: policies[index % policies.length]!,
      })),
    },
  }))

/** What limits all webhooks of a process together is not part of the state of one. */
export const withoutLimits = {
  settings: { globalLimits: [], idleAfter: 1e12, invalidRequestLimit: 1e9 },
}

export type Pass = (model: ModelRun) => void

/** Everything that a trace shows: sends, ends, and the state whenever it is or could be passed on. */
export function play({ answers, passes, scenario }: Trace, pass: Pass) {
  const server = answers === undefined ? scenario.server : new Scripted(answers.map(respondWith))
  const model = new ModelRun(server, scenario.jobs, withoutLimits)
  const states: Array<string> = []
  const look = () => {
    const { inFlight } = model.machine.snapshot(model.clock)
    if (inFlight === 0) {
      pass(model)
      dispatch(model)
    }
    states.push(...stateOf(model))
  }
  for (const { at, act } of scenario.meddling ?? []) model.at(at, () => model.meddle(act))
  for (const at of passes) model.at(at, look)
  model.play()
  states.push(...stateOf(model))
  const ends = model.runs.map(({ end, endedAt }) => `${end}@${endedAt}`)
  return { sends: model.exchanges.map(({ sentAt }) => sentAt), ends, states }
}

function dispatch({ clock, machine }: ModelRun): void {
  for (const webhook of machine.learning.webhooks.unpacked.values())
    machine.scheduler.dispatchWebhook(webhook, clock)
}

export function majorsOf({ learning: { deadWebhooks, webhooks } }: StateMachine) {
  return new Set([...webhooks.unpacked.keys(), ...deadWebhooks.all.keys()])
}

/** The state on the clock of the model. */
function stateOf({ clock, machine, now }: ModelRun): ReadonlyArray<string> {
  return [...majorsOf(machine)].map((major) => encodeWebhook(machine, major, now - clock)!)
}

export function restore(
  machine: StateMachine,
  major: string,
  text: string,
  options: Parameters<typeof restoreWebhook>[3],
): void {
  Either.getOrThrow(restoreWebhook(machine, major, text, options))
}
