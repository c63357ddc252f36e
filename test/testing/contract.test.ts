import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Fault } from "../../src/testing/index.js"
import { bodies } from "./bodies.js"
import { adaptToOracle, findIssues, oracle } from "./oracle.js"
import {
  editMessage,
  getMessage,
  getWebhook,
  modifyWebhook,
  raw,
  send,
  withFiles,
} from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none", getWebhook: "none" },
  globalLimit: "none",
} as const
simulatorTest("every message matches Discord's schema", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ applicationOwned: true })
    const thread = yield* simulator.createThread(hook)
    for (const [name, payload, ...files] of bodies) {
      const body = files.length === 0 ? payload : withFiles(payload, ...files)
      for (const query of [{}, { thread_id: thread.id }]) {
        const sent = yield* send(hook, body, query)
        expect([name, sent.status]).toEqual([name, 200])
        const read = yield* getMessage(hook, sent.body.id, query)
        const edited = yield* editMessage(hook, sent.body.id, { flags: 4 }, query)
        for (const response of [sent, read, edited]) {
          const found = findIssues(oracle.MessageResponseSchema, adaptToOracle(response.body))
          expect([name, response.status, found]).toEqual([name, 200, []])
        }
      }
    }
  }),
)

simulatorTest("every webhook matches Discord's schema", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const avatar = "data:image/gif;base64,aGk="
    const plain = yield* simulator.createWebhook()
    const owned = yield* simulator.createWebhook({ applicationOwned: true })
    for (const [hook, schema] of [
      [plain, oracle.GuildIncomingWebhookResponseSchema],
      [owned, oracle.ApplicationIncomingWebhookResponseSchema],
    ] as const) {
      for (const request of [getWebhook(hook), modifyWebhook(hook, { avatar })]) {
        expect(findIssues(schema, adaptToOracle((yield* request).body))).toEqual([])
      }
    }
  }),
)

simulatorTest("every error matches Discord's schema", { globalLimit: 10 }, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const answers = [
      yield* send(hook, {}),
      yield* send(hook, { content: "x".repeat(2001), embeds: [{ title: 1 }] }),
      yield* send({ ...hook, token: "wrong" }),
      yield* getMessage(hook, "1"),
      yield* raw("GET", "/api/v10/nowhere"),
      yield* raw("POST", `/api/v10/webhooks/${hook.id}/${hook.token}`, { body: "{" }),
    ]
    for (const { body } of answers) {
      expect(findIssues(oracle.ErrorResponseSchema, adaptToOracle(body))).toEqual([])
    }
    yield* simulator.applySharedLimit(hook, { retryAfter: "1 second" })
    const limited = [yield* send(hook), yield* send(hook), yield* send(hook), yield* send(hook)]
    limited.push(yield* send(hook))
    expect(limited.map(({ status }) => status)).toEqual([429, 429, 429, 429, 429])
    for (const { body } of limited) {
      expect(findIssues(oracle.RatelimitedResponseSchema, adaptToOracle(body))).toEqual([])
    }
  }),
)

simulatorTest("the oracle rejects invalid bodies", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(
      Fault.alter((response) => ({ ...response, body: response.body.replace("channel_id", "c") })),
    )
    const { body } = yield* send(hook)
    expect(findIssues(oracle.MessageResponseSchema, adaptToOracle(body))).not.toEqual([])
  }),
)
