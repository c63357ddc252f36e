import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Schema from "effect/Schema"

import { fit, WebhookName } from "../../src/model/WebhookName.js"
import { character } from "../support/character.js"
import { runs } from "../support/laws.js"
import { pathOf, SimulatorDriver, withJson } from "../testing/SimulatorDriver.js"

const word = fc.constantFrom(
  "discord",
  "DisCord",
  "dis\u200bcord",
  "dis\u0000cord",
  "clyde",
  "CLYDE",
  "here",
  "Everyone",
  "system message",
  " ",
  "\r\n",
  "\u200b",
  "\u3164",
  "\ud83d",
  "👩‍👩‍👧",
  "e\u0301",
  "ada",
)
const text = fc.oneof(
  fc.array(word, { maxLength: 30 }).map((words) => words.join("")),
  fc.string({ unit: character, maxLength: 120 }),
)

const simulator = new SimulatorDriver({
  limits: { modifyWebhook: "none" },
  globalLimit: "none",
  maxTrafficRecords: 0,
})
const path = pathOf(simulator.addWebhook())

/** The status with which the simulator responds to a webhook that is renamed. */
const rename = (name: string) =>
  simulator.respondTo({ method: "PATCH", path, ...withJson({ name }) })?.status

describe("fit", () => {
  it("makes a name of any text that the SDK and the simulator accept", () => {
    fc.assert(
      fc.property(text, (given) => {
        const name = fit(given)
        expect(Schema.is(WebhookName)(name)).toBe(true)
        expect(rename(name)).toBe(200)
        expect(name).toBe(name.trim())
        expect(fit(name)).toBe(name)
      }),
      { numRuns: runs(3000) },
    )
  })

  it("leaves a valid name as it is", () => {
    for (const name of ["Ada Lovelace", "größer", "日本", "@a#b:c", "👩‍👩‍👧 family", "hereby"]) {
      expect(fit(name)).toBe(name)
    }
  })

  it("changes only what Discord rejects", () => {
    expect(fit("  Ada \n Lovelace ")).toBe("Ada Lovelace")
    expect(fit("Discord Bot")).toBe("Disc\u043erd Bot")
    expect(fit("CLYDE")).toBe("CLYD\u0415")
    expect(fit("here")).toBe("h\u0435r\u0435")
    expect(fit("a\u202eb")).toBe("ab")
    expect(fit(`${"a".repeat(79)}👩‍👩‍👧`)).toBe("a".repeat(79))
    for (const nothing of ["", " \n", "\u200b\u3164", "\u200d"])
      expect(fit(nothing)).toBe("unnamed")
  })
})
