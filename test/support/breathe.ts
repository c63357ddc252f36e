/**
 * Laws compute for long without a pause, and a file of them might not hear vitest for a minute, which
 * vitest takes for a lost worker. So there is a pause after each test.
 */
import { setImmediate } from "node:timers/promises"
import { afterEach } from "vitest"

afterEach(async () => {
  await setImmediate()
})
