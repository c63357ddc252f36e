import { describe } from "vitest"
import { threads } from "./threads.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("threads"))("%s", (_, transport) => {
  threads(transport)
})
