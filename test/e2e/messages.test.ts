/** Every component and poll that a webhook may send, over every transport. */
import { describe } from "vitest"
import { messages } from "./messages.js"
import { transports } from "./environment.js"

describe.each(Object.entries(transports))("%s", (_, transport) => {
  messages(transport)
})
