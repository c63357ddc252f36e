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
    return Context.mergeAll(DefaultServices.liveServices, services, clock)
  }),
)

// `@effect/vitest` has no option for it, and refers to this layer since it was loaded.
Object.assign(TestContext.TestContext, lean)
