import { expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { handle } from "../../src/testing/simulator/handle.js"
import type { FilePart } from "../../src/testing/simulator/http/exchange.js"
import { addWebhook, makeState } from "../../src/testing/simulator/state.js"
import { bodies } from "./bodies.js"
import { adaptToOracle, findIssues, oracle } from "./oracle.js"
import { runs } from "../support/laws.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none" },
  globalLimit: "none",
} as const

/** Values that Discord expects somewhere, and others that nobody does. */
const scrap = FastCheck.oneof(
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

/** Objects and lists of these, with the words of Discord at every level. */
const { value: junk } = FastCheck.letrec((tie) => ({
  value: FastCheck.oneof(
    { maxDepth: 4, depthIdentifier: "junk" },
    scrap,
    FastCheck.integer({ min: 0, max: 20 }),
    FastCheck.array(tie("value"), { maxLength: 3 }),
    FastCheck.dictionary(FastCheck.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
  ),
}))

/** A body that says everything right, and what becomes of one part of it. */
const spoiled = FastCheck.record({
  body: FastCheck.constantFrom(...bodies),
  path: FastCheck.array(FastCheck.nat(9), { maxLength: 6 }),
  instead: junk,
})

/** Walks down as far as the path and the value allow, and puts something else there. */
function spoil(value: unknown, [step, ...rest]: ReadonlyArray<number>, instead: unknown): unknown {
  if (typeof value !== "object" || value === null || step === undefined) return instead
  const names = Object.keys(value)
  const name = names[step % names.length]
  if (name === undefined) return instead
  const part: unknown = Reflect.get(value, name)
  const changed = { ...value, [name]: spoil(part, rest, instead) }
  return Array.isArray(value) ? Object.values(changed) : changed
}

const request = FastCheck.record({
  spoiled,
  isEdit: FastCheck.boolean(),
  kind: FastCheck.constantFrom("text" as const, "forum" as const),
  applicationOwned: FastCheck.boolean(),
})

type Given = typeof request extends FastCheck.Arbitrary<infer A> ? A : never

/** Answers what a world with one message in one channel says to a request. */
function answerTo({ spoiled: { body, path, instead }, isEdit, kind, applicationOwned }: Given) {
  const state = makeState(withoutLimits, 0)
  const hook = addWebhook(state, 0, {
    name: "a",
    kind,
    channelId: undefined,
    tags: [],
    requiresTag: false,
    applicationOwned,
  })
  const base = `/api/v10/webhooks/${hook.id}/${hook.token}`
  const [, whole, ...given] = body
  const files = given.map(({ name, type }, index): FilePart => ({
    part: `files[${index}]`,
    filename: name,
    contentType: type,
    bytes: new Uint8Array(3),
  }))
  const ask = (method: string, at: string, payload: unknown, thread: object) =>
    handle(state, 0, {
      method,
      path: at,
      query: { wait: "true", with_components: "true", ...thread },
      headers: { "content-type": "multipart/form-data" },
      body: "a form",
      form: { fields: { payload_json: JSON.stringify(payload) }, files },
    }).response
  const inForum = kind === "forum" ? { thread_name: "t" } : {}
  const first = ask("POST", base, { ...whole, ...inForum }, {})
  if (!isEdit) {
    const thread = kind === "forum" ? { thread_id: [...hook.messages.keys()][0] } : {}
    return { first, answer: ask("POST", base, spoil(whole, path, instead), thread) }
  }
  const [id = ""] = hook.messages.keys()
  const thread = kind === "forum" ? { thread_id: id } : {}
  return {
    first,
    answer: ask("PATCH", `${base}/messages/${id}`, spoil(whole, path, instead), thread),
  }
}

it("whatever part of a body is spoiled, the answer is a message or an error of Discord's form", () =>
  FastCheck.assert(
    FastCheck.property(request, (given) => {
      const { first, answer } = answerTo(given)
      if (first?.status !== 200 && given.applicationOwned) throw new Error("the body was no good")
      if (answer?.body._tag !== "Json") throw new Error("the answer is no JSON")
      const isRefused = answer.status !== 200
      const schema = isRefused ? oracle.ErrorResponseSchema : oracle.MessageResponseSchema
      expect(findIssues(schema, adaptToOracle(answer.body.value))).toEqual([])
      expect([200, 400, 404]).toContain(answer.status)
    }),
    { numRuns: runs(1000) },
  ))
