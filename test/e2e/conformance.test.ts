/** The suite of operations, over every transport. */
import { describe } from "vitest"
import { conformance } from "./conformance.js"
import { transports } from "./environment.js"

describe.each(transports)("%s", (_, transport) => {
  conformance(transport)
})
