import { describe } from "vitest"
import { services } from "./services.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf(3))("%s", (_, transport) => {
  services(transport)
})
