/** What each test file starts with: one file, since vitest loads it again for each of them. */
import { setImmediate } from "node:timers/promises"
import { it } from "@effect/vitest"
import { afterEach } from "vitest"
import { configureLaws } from "./chance.js"
import { useLeanTestContext } from "./leanTestContext.js"

declare global {
  // By `patientRpc.mjs`; the first test file of a worker is the only one that needs it.
  var restoreSetTimeout: (() => void) | undefined
  // By the first test file of a worker.
  var originalIt: object | undefined
}

configureLaws()
useLeanTestContext()
globalThis.restoreSetTimeout?.()

// `it.layer` of `@effect/vitest` replaces the methods of the one `it` that all files of a worker share:
// a later file would run on its layer and its clock. So each file starts with the original methods.
globalThis.originalIt ??= { ...it }
Object.assign(it, globalThis.originalIt)

// Laws compute for long without a pause, and a file of them might not hear vitest for a minute, which
// vitest takes for a lost worker. So there is a pause after each test.
afterEach(async () => {
  await setImmediate()
})
