import { describe } from "vitest"
import { interactions } from "./interactions.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("interactions"))("%s", (_, transport) => {
  interactions(transport)
})
