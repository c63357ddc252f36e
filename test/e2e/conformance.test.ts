/** The suite of operations, over every transport. */
import { describe } from "vitest"
import { conformance } from "./conformance.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("conformance"))("%s", (_, transport) => {
  conformance(transport)
})
