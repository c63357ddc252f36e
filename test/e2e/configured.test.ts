/** The stories of a configured program, over everything that can carry it. */
import { describe } from "vitest"
import { configured } from "./configured.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  configured(transport)
})
