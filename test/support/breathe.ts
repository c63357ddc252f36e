/**
 * Laws compute for long without a pause, and a file of them might not hear vitest for a minute, which
 * vitest takes for a lost worker. So there is a pause after each test.
 */
import { setImmediate } from "node:timers/promises"
import { afterEach } from "vitest"

declare global {
  // By `patientRpc.mjs`; the first test file of a worker is the only one that needs it.
  var restoreSetTimeout: (() => void) | undefined
}

globalThis.restoreSetTimeout?.()

afterEach(async () => {
  await setImmediate()
})
