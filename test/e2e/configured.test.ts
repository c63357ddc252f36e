/** The suite of configured programs, over every transport. */
import { describe } from "vitest"
import { configured } from "./configured.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("configured"))("%s", (_, transport) => {
  configured(transport)
})
