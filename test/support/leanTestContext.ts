/**
 * `it.effect` and `it.scoped` provide `TestContext`, which merges eight layers two by two: building it took
 * 4 ms, longer than most tests and a fifteenth of `npm test`. So it becomes one layer of the same services:
 * each test still has a clock of its own, and what never changes is made once.
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as TestAnnotationMap from "effect/TestAnnotationMap"
import * as TestAnnotations from "effect/TestAnnotations"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as TestServices from "effect/TestServices"

/**
 * What a test clock does before it wakes a sleeper: it waits for three timers, as Effect's does, so that the
 * fibers that the last one woke run until they wait again, also if the scheduler puts one off until a timer (after
 * 2048 steps). Effect's clock also compares the states of supervised fibers, which no test has, and forks a fiber
 * that would warn of them, which doubles the processor time.
 */
const awaitSuspended = () =>
  Effect.async<void>((resume) => {
    let timers = 0
    let timer = setTimeout(next, 0)
    function next() {
      timers += 1
      if (timers === 3) resume(Effect.void)
      else timer = setTimeout(next, 0)
    }
    return Effect.sync(() => clearTimeout(timer))
  })

const lean = Layer.scopedContext(
  Effect.gen(function* () {
    const annotations = TestAnnotations.make(Ref.unsafeMake(TestAnnotationMap.empty()))
    yield* TestServices.withAnnotationsScoped(annotations)
    const services = Context.add(
      TestServices.liveServices,
      TestAnnotations.TestAnnotations,
      annotations,
    )
    const clock = yield* Effect.provide(Layer.build(TestClock.defaultTestClock), services)
    Object.assign(Context.get(clock, TestClock.TestClock), { awaitSuspended })
    return Context.mergeAll(DefaultServices.liveServices, services, clock)
  }),
)

/** `@effect/vitest` has no option for it, and holds the object `TestContext.TestContext`, so that object changes. */
export const useLeanTestContext = (): void => {
  Object.assign(TestContext.TestContext, lean)
}
