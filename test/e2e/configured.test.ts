/** The suite of configured programs, over every transport. */
import { describe } from "vitest"
import { configured } from "./configured.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  configured(transport)
})
