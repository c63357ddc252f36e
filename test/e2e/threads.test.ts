import { describe } from "vitest"
import { threads } from "./threads.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  threads(transport)
})
