/** Every component and poll that a webhook may send, over every transport. */
import { describe } from "vitest"
import { messages } from "./messages.js"
import { transportsOf } from "./environment.js"

describe.each(transportsOf("messages"))("%s", (_, transport) => {
  messages(transport)
})
