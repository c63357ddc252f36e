import { describe } from "vitest"
import { services } from "./services.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  services(transport)
})
