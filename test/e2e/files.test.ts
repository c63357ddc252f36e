import { describe } from "vitest"
import { files } from "./files.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf(2))("%s", (_, transport) => {
  files(transport)
})
