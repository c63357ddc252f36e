/**
 * A store in memory, on the clock of the test, with what a network and a Redis do: calls take time, messages
 * get lost, the store is unavailable, and a restart loses what was not saved.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import {
  type TurnCall,
  type Message,
  processOf,
  type Reply,
  StoreError,
  type TurnStore,
} from "../../../src/ratelimit/distributed/store.js"

interface Webhook {
  owner: string | undefined
  turnNumber: number
  state: string | undefined
  isStateOutdated: boolean
  last: number
  queue: Array<{ readonly process: string; readonly sequence: number }>
  expiresAt: number
}

export interface Faults {
  /** Maximum milliseconds of a call, and of a message. */
  readonly delay: number
  /** Probability that a message is lost. */
  readonly loss: number
}

export class SimulatedStore {
  faults: Faults
  isAway = false
  readonly calls = new Map<string, number>()
  #webhooks = new Map<string, Webhook>()
  readonly #asked = new Map<string, Set<string>>()
  readonly #reports = new Map<string, Map<string, string>>()
  readonly #versions = new Map<string, number>()
  #alive = new Map<string, number>()
  #saved: { readonly webhooks: string; readonly alive: string } | undefined
  /** The time of the last loss, or that there was none. */
  #lostAt: number | "never" | undefined
  readonly #inboxes = new Map<string, Queue.Queue<Message>>()
  readonly #clock: Clock.Clock
  readonly #isSaving: boolean
  #second = 0

  constructor(clock: Clock.Clock, faults: Faults = { delay: 0, loss: 0 }, isSaving = false) {
    this.#clock = clock
    this.faults = faults
    this.#isSaving = isSaving
  }

  /** Number of webhooks that have not expired. */
  get size(): number {
    this.#expire()
    return this.#webhooks.size
  }

  /** Saves what a second has ended with, as Redis does, before anything changes in a later one. */
  #save(): void {
    const second = Math.floor(this.#now() / 1000)
    if (!this.#isSaving || second === this.#second) return
    this.#second = second
    this.#saved = {
      webhooks: JSON.stringify([...this.#webhooks]),
      alive: JSON.stringify([...this.#alive]),
    }
  }

  /** Restarts with the data that was saved; without any, it is empty. */
  restart(): void {
    this.#save()
    const { alive = "[]", webhooks = "[]" } = this.#saved ?? {}
    if (this.#saved === undefined) this.#lostAt = undefined
    this.#webhooks = new Map(JSON.parse(webhooks) as Array<[string, Webhook]>)
    this.#alive = new Map(JSON.parse(alive) as Array<[string, number]>)
    for (const inbox of this.#inboxes.values()) inbox.unsafeOffer({ _tag: "Subscribed" })
  }

  /** Loses everything, as Redis does on FLUSHALL: all connections stay. */
  forget(): void {
    this.#webhooks = new Map()
    this.#alive = new Map()
    this.#asked.clear()
    this.#reports.clear()
    this.#versions.clear()
    this.#lostAt = undefined
  }

  readonly store: TurnStore = {
    join: (call) =>
      this.#call("join", () => {
        const webhook = this.#get(call.key, call.ttl)
        webhook.queue = webhook.queue.filter(
          ({ process, sequence: old }) =>
            !(isEarlier(process, call.process) && call.sequences.includes(old)),
        )
        for (const one of call.sequences) this.#enqueue(webhook, call.process, one)
        return this.#reply(call, webhook)
      }),
    pass: (call) =>
      this.#call("pass", () => {
        const webhook = this.#get(call.key, call.ttl)
        const { turnNumber, owner } = webhook
        const isOwner =
          owner === undefined
            ? turnNumber <= call.turnNumber
            : turnNumber === call.turnNumber
              ? owner === call.process
              : turnNumber < call.turnNumber
        const isRestored = webhook.state === undefined && turnNumber > call.turnNumber
        if (!isOwner && !isRestored) return waiting(webhook, true)
        webhook.owner = call.process
        webhook.turnNumber = call.turnNumber
        webhook.last = Math.max(webhook.last, call.turnNumber)
        webhook.state = call.state
        webhook.isStateOutdated = false
        if (call.how === "leave") {
          webhook.queue = webhook.queue.filter(({ process }) => process !== call.process)
          webhook.owner = undefined
          this.#grant(call, webhook)
          return waiting(webhook)
        }
        if (call.how === "give") {
          const [first] = webhook.queue
          if (first !== undefined && first.process !== call.process) {
            webhook.owner = undefined
            this.#grant(call, webhook)
            return waiting(webhook)
          }
        }
        return this.#turn(call, webhook)
      }),
    takeOver: (call) =>
      this.#call("takeOver", () => {
        const webhook = this.#get(call.key, call.ttl)
        if (webhook.owner === call.owner && webhook.turnNumber === call.turnNumber) {
          webhook.queue = webhook.queue.filter(({ process }) => process !== call.owner)
          webhook.owner = undefined
          webhook.isStateOutdated = true
        }
        return this.#reply(call, webhook)
      }),
    withdraw: (call) =>
      this.#call("withdraw", () => {
        const webhook = this.#webhooks.get(call.key)
        if (webhook === undefined) return
        webhook.queue = webhook.queue.filter(({ process }) => process !== call.process)
        if (webhook.owner !== call.process) return
        webhook.isStateOutdated ||= webhook.turnNumber === call.usedTurnNumber
        webhook.owner = undefined
        if (webhook.state !== undefined) this.#grant(call, webhook)
      }),
    refresh: (process, lease) =>
      this.#call("refresh", () => {
        const time = this.#now()
        const wasAlive = (this.#alive.get(process) ?? 0) > time
        this.#alive.set(process, time + lease)
        const requestedTurns = [...(this.#asked.get(process) ?? [])]
        this.#asked.delete(process)
        return { wasAlive, time, requestedTurns }
      }),
    lostAt: (hasCalled) =>
      this.#call("lostAt", () => {
        if (this.#lostAt === undefined) {
          const isLost = hasCalled || this.#inboxes.size > 0
          this.#lostAt = isLost ? this.#now() : "never"
          for (const process of this.#inboxes.keys()) this.#send(`${process}.0`, { _tag: "Lost" })
        }
        return this.#lostAt === "never" ? undefined : this.#lostAt
      }),
    ask: (process, key) =>
      this.#call("ask", () => {
        if ((this.#alive.get(process) ?? 0) <= this.#now()) return false
        this.#asked.set(process, (this.#asked.get(process) ?? new Set<string>()).add(key))
        return true
      }),
    readReports: (address) =>
      this.#call("readReports", () => {
        const texts = this.#reports.get(address) ?? new Map<string, string>()
        return { version: String(this.#versions.get(address) ?? 0), texts: new Map(texts) }
      }),
    writeReport: (address, { process, remove, text, version }) =>
      this.#call("writeReport", () => {
        const current = this.#versions.get(address) ?? 0
        if (String(current) !== version) return false
        const texts = this.#reports.get(address) ?? new Map<string, string>()
        for (const one of remove) texts.delete(one)
        this.#reports.set(address, texts.set(process, text))
        this.#versions.set(address, current + 1)
        return true
      }),
    leave: (process) =>
      this.#call("leave", () => {
        this.#alive.delete(process)
        this.#asked.delete(process)
      }),
    messages: (process) =>
      Stream.unwrap(
        Effect.map(Queue.unbounded<Message>(), (inbox) => {
          this.#inboxes.set(process, inbox)
          inbox.unsafeOffer({ _tag: "Subscribed" })
          return Stream.fromQueue(inbox)
        }),
      ),
  }

  #reply(call: TurnCall, webhook: Webhook): Reply {
    if (webhook.owner === undefined) this.#grant(call, webhook)
    if (webhook.owner === call.process) return this.#turn(call, webhook)
    const sequence = firstOfOthers(webhook, webhook.owner ?? "")
    if (webhook.owner !== undefined && sequence !== undefined) {
      this.#send(webhook.owner, { _tag: "Wanted", key: call.key, sequence })
    }
    return waiting(webhook)
  }

  /** Gives the turn to the process of the first request. */
  #grant(call: TurnCall, webhook: Webhook): void {
    const [first] = webhook.queue
    if (first === undefined) return
    webhook.owner = first.process
    webhook.turnNumber = this.#next(webhook)
    if (first.process === call.process) return
    const turn = this.#turn({ ...call, process: first.process }, webhook)
    if (turn._tag === "Turn")
      this.#send(first.process, {
        _tag: "Turn",
        key: call.key,
        process: first.process,
        turn: turn.turn,
      })
  }

  /** The turn of the caller, whose requests it covers need not wait any more. */
  #turn({ process }: TurnCall, webhook: Webhook): Reply {
    const coversBefore = firstOfOthers(webhook, process) ?? Number.POSITIVE_INFINITY
    const covered = webhook.queue.findIndex((one) => one.process !== process)
    webhook.queue = covered < 0 ? [] : webhook.queue.slice(covered)
    const { turnNumber, isStateOutdated, state } = webhook
    return { _tag: "Turn", turn: { turnNumber, coversBefore, state, isStateOutdated } }
  }

  #enqueue(webhook: Webhook, process: string, sequence: number): void {
    const known = webhook.queue.some((one) => one.sequence === sequence && one.process === process)
    if (!known) webhook.queue.push({ process, sequence })
    webhook.queue.sort(
      (one, other) => one.sequence - other.sequence || (one.process < other.process ? -1 : 1),
    )
  }

  #next(webhook: Webhook): number {
    webhook.last = Math.max(webhook.last + 1, Math.floor(this.#now() * 1000))
    return webhook.last
  }

  #get(key: string, ttl: number): Webhook {
    this.#expire()
    const webhook = this.#webhooks.get(key) ?? {
      owner: undefined,
      turnNumber: 0,
      state: undefined,
      isStateOutdated: false,
      last: 0,
      queue: [],
      expiresAt: 0,
    }
    webhook.expiresAt = Math.max(webhook.expiresAt, this.#now() + ttl)
    this.#webhooks.set(key, webhook)
    return webhook
  }

  #expire(): void {
    const now = this.#now()
    for (const [key, webhook] of this.#webhooks)
      if (webhook.expiresAt <= now) this.#webhooks.delete(key)
  }

  #now(): number {
    return this.#clock.unsafeCurrentTimeMillis()
  }

  #send(owner: string, message: Message): void {
    const inbox = this.#inboxes.get(processOf(owner))
    if (inbox !== undefined) this.#outbox.unsafeOffer({ inbox, message })
  }

  readonly #outbox = Effect.runSync(
    Queue.unbounded<{ readonly inbox: Queue.Queue<Message>; readonly message: Message }>(),
  )

  /** Delivers messages late, and not all of them. */
  readonly deliver: Effect.Effect<never> = Effect.forever(
    Effect.gen(this, function* () {
      const { inbox, message } = yield* Queue.take(this.#outbox)
      const { delay, loss } = this.faults
      const now = this.#now()
      // A connection keeps the order of its messages.
      const at = Math.max(
        this.#deliveredAt.get(inbox) ?? 0,
        now + (yield* Random.nextRange(0, delay)),
      )
      this.#deliveredAt.set(inbox, at)
      if ((yield* Random.next) < loss) return
      yield* Effect.fork(Effect.delay(Queue.offer(inbox, message), at - now))
    }),
  )
  readonly #deliveredAt = new Map<Queue.Queue<Message>, number>()

  get #delay(): Effect.Effect<void> {
    return this.faults.delay === 0
      ? Effect.void
      : Effect.flatMap(Random.nextRange(0, this.faults.delay), (delay) => Effect.sleep(delay))
  }

  #call<A>(name: string, operation: () => A): Effect.Effect<A, StoreError> {
    return Effect.zipRight(
      Effect.suspend(() => this.#delay),
      Effect.suspend(() => {
        this.calls.set(name, (this.calls.get(name) ?? 0) + 1)
        this.#save()
        return this.isAway
          ? Effect.fail(new StoreError({ isLocal: false, detail: "away" }))
          : Effect.succeed(operation())
      }),
    ).pipe(Effect.tap(() => this.#delay))
  }
}

function waiting(
  { turnNumber, owner }: Webhook,
  hasLostTurn = false,
): Extract<Reply, { _tag: "Waiting" }> {
  return { _tag: "Waiting", owner, turnNumber, hasLostTurn }
}

/** Whether a process is an earlier generation of another one. */
function isEarlier(one: string, other: string): boolean {
  const name = processOf(other)
  const generation = (process: string) => Number(process.slice(name.length + 1))
  return processOf(one) === name && generation(one) < generation(other)
}

function firstOfOthers(webhook: Webhook, process: string): number | undefined {
  const index = webhook.queue.findIndex((one) => one.process !== process)
  const sequence = webhook.queue[index]?.sequence
  return sequence !== undefined && webhook.queue[index - 1]?.sequence === sequence
    ? sequence + 1
    : sequence
}
