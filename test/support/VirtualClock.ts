/**
 * A clock that advances by itself: when every fiber waits, it jumps to the next sleeper. Thousands
 * of sleeps take milliseconds of real time, in the same order in every run. For effects without
 * real input and output: a fiber that waits for a socket looks idle.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scheduler from "effect/Scheduler"
import { Heap } from "./Heap.js"

const nanosPerMilli = 1_000_000n

/** More steps at one instant are fibers that wake each other for ever. */
const maxStepsAtOnce = 50_000

interface Sleeper {
  readonly at: number
  readonly sequence: number
  readonly wake: () => void
  gone: boolean
}

class VirtualClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly #sleepers = new Heap<Sleeper>((a, b) => a.at - b.at || a.sequence - b.sequence)
  readonly #isIdle: () => boolean
  #now = 0
  #sequence = 0
  #asleep = 0
  #ticking = false
  #isStopped = false
  #stepsAtOnce = 0
  /** Called when time does not pass any more. */
  onStandstill = () => {}

  constructor(isIdle: () => boolean = () => true) {
    this.#isIdle = isIdle
  }

  /** How many sleep now. */
  get asleep(): number {
    return this.#asleep
  }

  unsafeCurrentTimeMillis(): number {
    return this.#now
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(this.#now) * nanosPerMilli
  }

  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  /** Whole milliseconds, rounded up like a timer. */
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const at = this.#now + Math.max(0, Math.ceil(Duration.toMillis(duration)))
      if (!Number.isSafeInteger(at)) return Effect.void
      const sleeper: Sleeper = {
        at,
        sequence: ++this.#sequence,
        wake: () => resume(Effect.void),
        gone: false,
      }
      this.#sleepers.push(sleeper)
      this.#asleep += 1
      this.#tick()
      return Effect.sync(() => {
        if (sleeper.gone) return
        sleeper.gone = true
        this.#asleep -= 1
      })
    })
  }

  /** Nobody wakes any more: fibers that a test leaves behind must not go on for ever. */
  stop(): void {
    this.#isStopped = true
  }

  /** Macrotasks come after all fibers, which run in microtasks, have come to rest. */
  #tick(): void {
    if (this.#ticking || this.#isStopped) return
    this.#ticking = true
    setImmediate(() => {
      this.#ticking = false
      if (this.#isStopped) return
      if (this.#isIdle()) this.#advance()
      if (this.#asleep > 0) this.#tick()
    })
  }

  /** Wakes all whose time has come, in the order in which they fell asleep. */
  #advance(): void {
    const before = this.#now
    this.#wakeNext()
    this.#stepsAtOnce = this.#now > before ? 0 : this.#stepsAtOnce + 1
    if (this.#stepsAtOnce === maxStepsAtOnce) this.onStandstill()
  }

  #wakeNext(): void {
    let moved = false
    for (let next = this.#sleepers.peek(); next !== undefined; next = this.#sleepers.peek()) {
      if (moved && next.at > this.#now) return
      this.#sleepers.pop()
      if (next.gone) continue
      moved = true
      next.gone = true
      this.#asleep -= 1
      this.#now = next.at
      next.wake()
    }
  }
}

/** Counts tasks that a timer, not a microtask, will run. */
class WatchedScheduler extends Scheduler.MixedScheduler {
  pending = 0

  constructor() {
    super(2048)
  }

  override scheduleTask(
    ...[task, priority, fiber]: Parameters<Scheduler.Scheduler["scheduleTask"]>
  ) {
    this.pending += 1
    super.scheduleTask(
      () => {
        this.pending -= 1
        task()
      },
      priority,
      fiber,
    )
  }
}

export interface Run<A> {
  readonly value: A
  /** Virtual milliseconds from the first to the last step. */
  readonly elapsed: number
}

/** Runs an effect from the instant 0 on a virtual clock of its own. */
export const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Run<A>, E, R> =>
  Effect.suspend(() => {
    const scheduler = new WatchedScheduler()
    const clock = new VirtualClock(() => scheduler.pending === 0)
    const standstill = Effect.async<never>((resume) => {
      clock.onStandstill = () => resume(Effect.dieMessage("the virtual clock stands still"))
    })
    return Effect.map(Effect.raceFirst(effect, standstill), (value) => ({
      value,
      elapsed: clock.unsafeCurrentTimeMillis(),
    })).pipe(
      Effect.withClock(clock),
      Effect.withScheduler(scheduler),
      Effect.ensuring(Effect.sync(() => clock.stop())),
    )
  })

/** For a benchmark or a property: the same, as a promise. */
export const runPromise = <A, E>(effect: Effect.Effect<A, E>): Promise<Run<A>> =>
  Effect.runPromise(run(effect))

/** As a layer; the clock starts at 0 when the layer is built. */
export const layer: Layer.Layer<never> = Layer.unwrapEffect(
  Effect.sync(() => Layer.setClock(new VirtualClock())),
)
