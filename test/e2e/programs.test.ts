import { describe } from "vitest"
import { programs } from "./programs.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  programs(transport)
})
