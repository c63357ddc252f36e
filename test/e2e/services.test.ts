import { describe } from "vitest"
import { services } from "./services.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("services"))("%s", (_, transport) => {
  services(transport)
})
