import { describe } from "vitest"
import { interactions } from "./interactions.js"
import { transports } from "./world.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  interactions(transport)
})
