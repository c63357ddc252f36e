import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { runs } from "../support/laws.js"
import { parseForm, pathOf, SimulatorDriver, withForm } from "./SimulatorDriver.js"

/**
 * File names. Control characters are excluded because Discord's parser rejects them, `\` and `%`
 * because encoders escape them differently.
 */
const name = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter(
  // oxlint-disable-next-line no-control-regex -- these are the ones that cannot stand in a header
  (text) => !/[\u0000-\u001f\u007f\\%]/.test(text),
)

const file = FastCheck.record({
  name,
  type: FastCheck.constantFrom("text/plain", "image/png", "application/json", ""),
  bytes: FastCheck.uint8Array({ maxLength: 400 }),
})

const fields = FastCheck.dictionary(
  name.filter((text) => text !== "__proto__"),
  FastCheck.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text)),
  { maxKeys: 4 },
)

it.effect.prop(
  "parses forms of the platform encoder without loss",
  [FastCheck.array(file, { maxLength: 4 }), fields],
  ([files, texts]) =>
    Effect.gen(function* () {
      const form = new FormData()
      for (const key in texts) form.append(key, texts[key] ?? "")
      files.forEach(({ name: filename, type, bytes }, index) =>
        form.append(`files[${index}]`, new File([bytes.slice()], filename, { type })),
      )
      const response = new Response(form)
      const body = new Uint8Array(yield* Effect.promise(() => response.arrayBuffer()))
      const [, boundary] = response.headers.get("content-type")?.split("boundary=") ?? []
      expect(yield* parseForm(body, boundary ?? "b")).toEqual({
        fields: texts,
        files: files.map(({ name: filename, type, bytes }, index) => ({
          part: `files[${index}]`,
          filename,
          contentType: type === "" ? "application/octet-stream" : type,
          bytes,
        })),
      })
    }),
)

const written = FastCheck.array(file, { maxLength: 3 }).map((files) => {
  const parts = files.map(
    ({ name: filename, bytes }, index) =>
      `--b\r\nContent-Disposition: form-data; name="files[${index}]"; filename="${filename.replaceAll('"', "%22")}"\r\n\r\n${bytes.join()}\r\n`,
  )
  return new TextEncoder().encode(`${parts.join("")}--b--\r\n`)
})

it.effect.prop("a truncated form is malformed", [written, FastCheck.nat(400)], ([whole, at]) =>
  Effect.gen(function* () {
    expect(yield* parseForm(whole, "b")).not.toBe("malformed")
    const closing = whole.length - "--\r\n".length
    expect(yield* parseForm(whole.slice(0, at % closing), "b")).toBe("malformed")
  }),
)

it.effect.prop(
  "a damaged form is parsed or rejected, and never blocks",
  [written, FastCheck.nat(400), FastCheck.uint8Array({ maxLength: 8 }), FastCheck.nat(8)],
  ([whole, at, inserted, removed]) =>
    Effect.gen(function* () {
      const from = at % whole.length
      const damaged = [...whole.slice(0, from), ...inserted, ...whole.slice(from + removed)]
      const form = yield* parseForm(Uint8Array.from(damaged), "b")
      expect(form).toBeDefined()
    }),
)

it.effect.prop(
  "bytes without the boundary are malformed",
  [FastCheck.uint8Array({ minLength: 1, maxLength: 100 }), FastCheck.string({ maxLength: 10 })],
  ([bytes, boundary]) =>
    Effect.gen(function* () {
      const opened = [...new TextEncoder().encode(`--${boundary}\r\n`), ...bytes]
      for (const body of [bytes, Uint8Array.from(opened)]) {
        expect(yield* parseForm(body, boundary ?? "b")).toBe("malformed")
      }
    }),
)

const step = FastCheck.oneof(
  FastCheck.record({
    send: FastCheck.array(FastCheck.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  }),
  FastCheck.record({
    keep: FastCheck.array(FastCheck.nat(4), { maxLength: 3 }),
    add: FastCheck.array(FastCheck.integer({ min: 1, max: 9 }), { maxLength: 2 }),
  }),
  FastCheck.constant("delete" as const),
)

type Step = typeof step extends FastCheck.Arbitrary<infer A> ? A : never

/** Sends, edits and deletes messages with files, and returns the statuses. */
function run(
  simulator: SimulatorDriver,
  steps: ReadonlyArray<Step>,
): ReadonlyArray<number | undefined> {
  const hook = simulator.addWebhook()
  const request = (
    method: string,
    path: string,
    payload: object = {},
    sizes: ReadonlyArray<number> = [],
  ) => {
    const files = sizes.map((size) => ({ bytes: new Uint8Array(size) }))
    return simulator.respondTo({ method, path, ...withForm(payload, files) })?.status
  }
  return steps.map((one) => {
    const last = [...hook.messages.values()].at(-1)
    const at = `${pathOf(hook)}/messages/${last?.id ?? 1}`
    if (one === "delete") return request("DELETE", at)
    if ("send" in one) return request("POST", pathOf(hook), { content: "a" }, one.send)
    const old = last?.attachments ?? []
    const kept = [...new Set(one.keep)].flatMap((index) => old[index] ?? [])
    const added = one.add.map((_, index) => ({ id: index }))
    const attachments = [...kept.map((attachment) => ({ id: attachment.id })), ...added]
    return request("PATCH", at, { attachments }, one.add)
  })
}

const withoutLimits = { limits: { execute: "none" }, globalLimit: "none" } as const

const law = (text: string, maxBytes: number, holds: (simulator: SimulatorDriver) => void) =>
  it(text, () =>
    FastCheck.assert(
      FastCheck.property(FastCheck.array(step, { maxLength: 25 }), (steps) => {
        const simulator = new SimulatorDriver({ ...withoutLimits, maxStoredFileBytes: maxBytes })
        for (const status of run(simulator, steps)) expect([200, 204, 404]).toContain(status)
        holds(simulator)
      }),
      { numRuns: runs(300) },
    ),
  )

const attached = ({ state }: SimulatorDriver) =>
  [...state.webhooks.values()].flatMap(({ messages }) =>
    [...messages.values()].flatMap(({ attachments }) => attachments),
  )

law("stores exactly the files of existing messages", Infinity, (simulator) => {
  const { files } = simulator.state
  const ids = attached(simulator).map(({ id }) => id)
  expect(new Set(files.files.keys())).toEqual(new Set(ids))
  const sizes = attached(simulator).map((attachment) => Number(attachment["size"]))
  expect(files.size).toBe(sizes.reduce((sum, size) => sum + size, 0))
})

law("stores at most maxStoredFileBytes, and the size is correct", 20, ({ state }) => {
  const sizes = [...state.files.files.values()].map(({ bytes }) => bytes.length)
  expect(state.files.size).toBe(sizes.reduce((sum, size) => sum + size, 0))
  expect(state.files.size).toBeLessThanOrEqual(20)
})

law("a stored file can be downloaded", 20, (simulator) => {
  for (const { id, url } of attached(simulator)) {
    const path = new URL(url).pathname
    const response = simulator.respondTo({ method: "GET", path })
    expect(response?.status).toBe(simulator.state.files.files.has(id) ? 200 : 404)
  }
})
