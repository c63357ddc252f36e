/**
 * `it.layer` of `@effect/vitest` replaces the methods of the one `it` that all files of a worker share:
 * a later file would run on its layer and its clock. So each file starts with the original methods.
 */
import { it } from "@effect/vitest"

declare global {
  // By the first test file of a worker.
  var originalIt: object | undefined
}

globalThis.originalIt ??= { ...it }
Object.assign(it, globalThis.originalIt)
