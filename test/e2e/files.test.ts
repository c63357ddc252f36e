import { describe } from "vitest"
import { files } from "./files.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("files"))("%s", (_, transport) => {
  files(transport)
})
