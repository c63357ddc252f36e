import { describe } from "vitest"
import { threads } from "./threads.js"
import { transports } from "./world.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  threads(transport)
})
