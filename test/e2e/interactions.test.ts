import { describe } from "vitest"
import { interactions } from "./interactions.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  interactions(transport)
})
