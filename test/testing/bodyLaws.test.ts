import { expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { bodies } from "./bodies.js"
import { adaptToOracle, findIssues, oracle } from "./oracle.js"
import { pathOf, SimulatorDriver, withForm } from "./SimulatorDriver.js"
import { runs } from "../support/laws.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none" },
  globalLimit: "none",
} as const

/** Values that are valid in some field, and values that are valid in none. */
const simpleValue = FastCheck.oneof(
  FastCheck.constantFrom<unknown>(
    null,
    "",
    "a",
    "attachment://a.png",
    "https://a.b/c.png",
    "2026-01-01T00:00:00Z",
    "<@1> @everyone",
    0,
    1,
    4,
    1 << 15,
    -1,
    1.5,
    true,
    [],
    {},
    ["1"],
    { toString: 1 },
  ),
  FastCheck.jsonValue({ maxDepth: 1 }),
)

const keys = [
  ["type", "components", "accessory", "content", "style", "url", "custom_id", "label", "emoji"],
  ["media", "file", "items", "options", "value", "id", "name", "min_values", "max_values"],
  ["title", "description", "footer", "image", "author", "icon_url", "fields", "text", "timestamp"],
  ["question", "answers", "poll_media", "duration", "parse", "users", "filename", "color", "ts"],
].flat()

/** Objects and lists of these values, with the field names of Discord. */
const { value: junk } = FastCheck.letrec((tie) => ({
  value: FastCheck.oneof(
    { maxDepth: 4, depthIdentifier: "junk" },
    simpleValue,
    FastCheck.integer({ min: 0, max: 20 }),
    FastCheck.array(tie("value"), { maxLength: 3 }),
    FastCheck.dictionary(FastCheck.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
  ),
}))

/** A valid body, and the replacement of one part of it. */
const corrupted = FastCheck.record({
  body: FastCheck.constantFrom(...bodies),
  path: FastCheck.array(FastCheck.nat(9), { maxLength: 6 }),
  replacement: junk,
})

/** Replaces the part of a value at a path, or at its longest existing prefix. */
function corrupt(
  value: unknown,
  [step, ...rest]: ReadonlyArray<number>,
  replacement: unknown,
): unknown {
  if (typeof value !== "object" || value === null || step === undefined) return replacement
  const names = Object.keys(value)
  const name = names[step % names.length]
  if (name === undefined) return replacement
  const part: unknown = Reflect.get(value, name)
  const changed = { ...value, [name]: corrupt(part, rest, replacement) }
  return Array.isArray(value) ? Object.values(changed) : changed
}

const request = FastCheck.record({
  corrupted,
  isEdit: FastCheck.boolean(),
  kind: FastCheck.constantFrom("text" as const, "forum" as const),
  applicationOwned: FastCheck.boolean(),
})

type Given = typeof request extends FastCheck.Arbitrary<infer A> ? A : never

/** Sends a request to a simulator with one message, and returns both responses. */
function respondTo({
  corrupted: { body, path, replacement },
  isEdit,
  kind,
  applicationOwned,
}: Given) {
  const simulator = new SimulatorDriver(withoutLimits)
  const hook = simulator.addWebhook({ kind, applicationOwned })
  const base = pathOf(hook)
  const [, whole, ...given] = body
  const files = given.map(({ name, type }) => ({
    filename: name,
    contentType: type,
    bytes: new Uint8Array(3),
  }))
  const sendRequest = (method: string, at: string, payload: unknown, thread: object) =>
    simulator.respondTo({
      method,
      path: at,
      query: { wait: "true", with_components: "true", ...thread },
      ...withForm(payload, files),
    })
  const forumFields = kind === "forum" ? { thread_name: "t" } : {}
  const first = sendRequest("POST", base, { ...whole, ...forumFields }, {})
  if (!isEdit) {
    const thread = kind === "forum" ? { thread_id: [...hook.messages.keys()][0] } : {}
    return { first, response: sendRequest("POST", base, corrupt(whole, path, replacement), thread) }
  }
  const [id = ""] = hook.messages.keys()
  const thread = kind === "forum" ? { thread_id: id } : {}
  return {
    first,
    response: sendRequest(
      "PATCH",
      `${base}/messages/${id}`,
      corrupt(whole, path, replacement),
      thread,
    ),
  }
}

it("an invalid part of a body yields a message or a valid Discord error", () =>
  FastCheck.assert(
    FastCheck.property(request, (given) => {
      const { first, response } = respondTo(given)
      if (first?.status !== 200 && given.applicationOwned) throw new Error("the body is invalid")
      if (response?.body._tag !== "Json") throw new Error("the response is not JSON")
      const isRejected = response.status !== 200
      const schema = isRejected ? oracle.ErrorResponseSchema : oracle.MessageResponseSchema
      expect(findIssues(schema, adaptToOracle(response.body.value))).toEqual([])
      expect([200, 400, 404]).toContain(response.status)
    }),
    { numRuns: runs(1000) },
  ))
