import { describe } from "vitest"
import { files } from "./files.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  files(transport)
})
