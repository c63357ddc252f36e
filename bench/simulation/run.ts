/**
 * One run: the limiter's own state machine on one side, the simulator's own server on the other,
 * and between them a loop of events in simulated time.
 */
import * as Redacted from "effect/Redacted"
import type { ResponseInfo } from "../../src/ratelimit/ResponseInfo.js"
import type { PendingRequest } from "../../src/ratelimit/internal/bucketState.js"
import { StateMachine } from "../../src/ratelimit/internal/stateMachine.js"
import type { TimerTarget } from "../../src/ratelimit/internal/pendingRequests.js"
import * as RateLimitHeaders from "../../src/ratelimit/RateLimitHeaders.js"
import * as Route from "../../src/ratelimit/Route.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { interpret } from "../../src/rest/attempt.js"
import { emptyBody, ignoredBody, makeRequest } from "../../src/rest/request.js"
import { consumeSlots, applySharedLimit } from "../../src/testing/simulator/commands.js"
import { handle } from "../../src/testing/simulator/handle.js"
import { getBodyText, type SimulatedResponse } from "../../src/testing/simulator/http/exchange.js"
import { mergeOptions, type Options, resolveOptions } from "../../src/testing/simulator/options.js"
import { seededRandom } from "../../src/testing/simulator/generate.js"
import {
  addWebhook,
  makeState,
  type Webhook,
  type State,
} from "../../src/testing/simulator/state.js"
import { Events } from "./events.js"
import { epoch, type Scenario, serverOptions } from "./scenario.js"
import { drawOutside, type Outside } from "./world.js"

export interface Result {
  readonly makespan: number
  /** Answers 429, and when they came (milliseconds). */
  readonly limitedAt: ReadonlyArray<number>
  /** Slots that a reset found unused while a request waited. */
  readonly unusedSlots: number
  /** Milliseconds until each message went for the last time. */
  readonly waits: ReadonlyArray<number>
  /** When each webhook was done. */
  readonly doneAt: ReadonlyArray<number>
}

const settings = {
  globalLimits: [{ limit: 50, window: 1000 }],
  idleAfter: 120_000,
  invalidRequestLimit: Number.POSITIVE_INFINITY,
}

/** What `interpret` has to know of a request. */
const request = makeRequest<void>({
  route: Route.make({
    method: "POST",
    template: "/webhooks/{webhook.id}/{webhook.token}",
    webhookId: "1",
    tokenDigest: "token",
  }),
  token: Redacted.make("not in any text"),
  suffix: "",
  inThread: false,
  body: emptyBody,
  idempotent: false,
  success: ignoredBody,
})

/** An edge without rate-limit headers: nothing of the message is known, and nobody sends it again. */
const badGateway: ResponseInfo = {
  status: 502,
  headers: RateLimitHeaders.empty,
  code: 0,
  message: "",
  limited: undefined,
}

class Run {
  readonly #scenario: Scenario
  readonly #events = new Events()
  readonly #world: State
  readonly #webhooks: ReadonlyArray<Webhook>
  readonly #outside: Outside
  readonly #random: () => number
  readonly #machine: StateMachine
  readonly #alarms = new Map<TimerTarget, number>()
  readonly #policy: Policy
  readonly #limitedAt: Array<number> = []
  readonly #waits: Array<number> = []
  readonly #doneAt: Array<number>
  #unused = 0
  #open: number

  constructor(scenario: Scenario, policy: Policy, seed: number) {
    this.#scenario = scenario
    this.#outside = drawOutside(scenario, seed)
    this.#random = seededRandom(seed + 1)
    this.#world = makeState(serverOptions(scenario, seed), epoch)
    this.#webhooks = this.#outside.trips.map((_, index) =>
      addWebhook(this.#world, epoch, {
        name: `webhook ${index}`,
        kind: "text",
        channelId: `${1 + Math.floor(index / (scenario.perChannel ?? 1))}`,
        tags: [],
        requiresTag: false,
        applicationOwned: false,
      }),
    )
    this.#policy = this.#counting(policy)
    this.#machine = new StateMachine(
      { ...settings, globalLimits: [{ limit: scenario.global ?? 1_000_000, window: 1000 }] },
      (target, at) => this.#alarm(target, at),
    )
    this.#doneAt = this.#webhooks.map(() => 0)
    this.#open = this.#outside.trips.flat().length
  }

  result(): Result {
    this.#playOutside()
    const { trips } = this.#outside
    const most = Math.max(...trips.map((own) => own.length))
    for (let message = 0; message < most; message += 1) {
      this.#webhooks.forEach((webhook, index) => {
        if (message < (trips[index]?.length ?? 0)) this.#arrive(webhook, index, message)
      })
    }
    this.#events.run(() => this.#open === 0)
    return {
      makespan: Math.max(...this.#doneAt),
      limitedAt: this.#limitedAt,
      unusedSlots: this.#unused,
      waits: this.#waits,
      doneAt: this.#doneAt,
    }
  }

  #counting(policy: Policy): Policy {
    return {
      ...policy,
      observe: (memory, observation, bucket) => {
        if (observation._tag === "WindowOver" && observation.waiting > 0) {
          this.#unused += Math.min(observation.unused, observation.waiting)
        }
        return policy.observe(memory, observation, bucket)
      },
    }
  }

  #alarm(target: TimerTarget, at: number | undefined): void {
    const current = this.#alarms.get(target)
    if (at === undefined) this.#alarms.delete(target)
    else if (current === undefined || at < current) {
      // As the real alarm does: whole milliseconds, rounded up.
      const rings = this.#events.now + Math.ceil(at - this.#events.now)
      this.#alarms.set(target, at)
      this.#events.at(rings, () => {
        if (this.#alarms.get(target) !== at) return
        this.#alarms.delete(target)
        this.#machine.wake(target, this.#events.now)
      })
    }
  }

  #arrive(webhook: Webhook, index: number, message: number): void {
    const route: Route.Route = { ...request.route, webhookId: webhook.id, major: webhook.id }
    const wish = {
      policy: this.#policy,
      ordered: this.#scenario.delivery === "ordered",
      maxWait: Number.POSITIVE_INFINITY,
      lease: Number.POSITIVE_INFINITY,
      owner: {},
    }
    // Granted inside `arrive`, the ticket is not known yet: the request goes right after it.
    const granted: { ticket: PendingRequest | undefined } = { ticket: undefined }
    granted.ticket = this.#machine.submit(route, wish, this.#events.now, () =>
      this.#events.at(this.#events.now, () => {
        if (granted.ticket !== undefined) this.#send(granted.ticket, webhook, index, message, true)
      }),
    )
  }

  #send(
    ticket: PendingRequest,
    webhook: Webhook,
    index: number,
    message: number,
    isFirst: boolean,
  ): void {
    const { link } = this.#scenario
    this.#machine.claim(ticket, this.#events.now)
    const drawn = this.#outside.trips[index]?.[message]
    const trip =
      isFirst && drawn !== undefined
        ? drawn
        : { there: link.there(this.#random), back: link.back(this.#random) }
    this.#events.at(this.#events.now + trip.there, () => {
      const isFaulty = isFirst && this.#outside.isFaulty[index]?.[message] === true
      const answer = isFaulty ? badGateway : this.#serve(webhook)
      this.#events.at(this.#events.now + trip.back, () =>
        this.#answered(ticket, webhook, index, message, answer),
      )
    })
  }

  #serve(webhook: Webhook): ResponseInfo {
    const { response } = handle(this.#world, epoch + this.#events.now, {
      method: "POST",
      path: `/api/v10/webhooks/${webhook.id}/${webhook.token}`,
      query: {},
      headers: { "content-type": "application/json" },
      body: '{"content":"hello"}',
    })
    if (response === undefined) return badGateway
    const channelId = this.#scenario.perChannel === undefined ? undefined : webhook.channel.id
    return { ...answerOf(response), channelId }
  }

  #answered(
    ticket: PendingRequest,
    webhook: Webhook,
    index: number,
    message: number,
    answer: ResponseInfo,
  ): void {
    const { now } = this.#events
    const outcome = { _tag: "Responded", response: answer } as const
    if (answer.limited === undefined) {
      this.#doneAt[index] = now
      this.#waits.push(ticket.sentAt)
      this.#open -= 1
      this.#machine.settle(ticket, outcome, now)
      return
    }
    this.#limitedAt.push(now)
    this.#machine.retry(ticket, outcome, 0, now, () =>
      this.#events.at(this.#events.now, () => this.#send(ticket, webhook, index, message, false)),
    )
  }

  /** What happens whether or not anybody sends. */
  #playOutside(): void {
    const { changes = [], shared } = this.#scenario
    for (const { at, limit } of changes) this.#events.at(at, () => this.#changeVisible(limit))
    for (const { at, limit } of this.#outside.global) {
      this.#events.at(at, () => this.#change({ globalLimit: limit }))
    }
    this.#webhooks.forEach((webhook, index) => {
      this.#playNext(this.#outside.foreign[index] ?? [], 0, () =>
        consumeSlots(this.#world, epoch + this.#events.now, webhook, 1),
      )
      this.#playNext(this.#outside.shared[index] ?? [], 0, () =>
        applySharedLimit(this.#world, epoch + this.#events.now, webhook.id, {
          retryAfter: shared?.length ?? 0,
        }),
      )
    })
  }

  #playNext(instants: ReadonlyArray<number>, next: number, play: () => void): void {
    const at = instants[next]
    if (at === undefined) return
    this.#events.at(at, () => {
      play()
      this.#playNext(instants, next + 1, play)
    })
  }

  #changeVisible(limit: number): void {
    const { visible, model } = this.#scenario
    this.#change({ limits: { execute: { limit, period: visible.period, model } } })
  }

  #change(changes: Options): void {
    this.#world.options = mergeOptions(this.#world.options, changes)
    this.#world.config = resolveOptions(this.#world.options)
  }
}

/** Read by the pipeline itself. */
function answerOf(response: SimulatedResponse): ResponseInfo {
  const headers = RateLimitHeaders.parse(response.headers)
  const { status } = response
  const contentType = response.headers["content-type"]
  const said = interpret(
    request,
    {
      status,
      headers,
      isViaGoogle: false,
      contentType,
      isDryRun: false,
      body: getBodyText(response.body),
    },
    { isDiscordHost: true },
  )
  const limited =
    said.classification._tag === "RateLimited" ? said.classification.limited : undefined
  return { status, headers, code: said.code, message: said.reply, limited }
}

export function run(scenario: Scenario, policy: Policy, seed: number): Result {
  return new Run(scenario, policy, seed).result()
}
