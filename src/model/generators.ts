/** The types of generators, from the module that Effect hands them. */
import type * as Arbitrary from "effect/Arbitrary"

/** The argument of every `arbitrary` annotation: fast-check's module, as Effect re-exports it. */
export type FastCheckModule = Parameters<Arbitrary.LazyArbitrary<unknown>>[0]
