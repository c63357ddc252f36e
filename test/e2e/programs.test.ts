import { describe } from "vitest"
import { programs } from "./programs.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("programs"))("%s", (_, transport) => {
  programs(transport)
})
