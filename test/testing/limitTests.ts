import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DiscordSimulator } from "../../src/testing/index.js"
import { leaves, send } from "./request.js"

/** A body at a limit, one above it, and the path and code of its error. */
export type LimitCase = readonly [limit: string, at: object, over: object, leaf: string]

/** Disables rate limits. */
export const withoutLimits = { limits: { execute: "none", getWebhook: "none" } } as const

export const x = (length: number) => "x".repeat(length)

export const repeat = <A>(count: number, item: (index: number) => A) =>
  Array.from({ length: count }, (_, index) => item(index))

/** Sends each case with the webhook of an application, which may send every component. */
export const testLimits = (edges: ReadonlyArray<LimitCase>): void =>
  it.effect.each(edges)("%s: accepts the limit and rejects one more", ([, at, over, leaf]) =>
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.DiscordSimulator
      const hook = yield* simulator.createWebhook({ applicationOwned: true })
      const passed = yield* send(hook, at)
      expect([passed.status, leaves(passed)]).toEqual([200, []])
      const rejected = yield* send(hook, over)
      expect(rejected.status).toBe(400)
      expect(rejected.body).toMatchObject({ code: 50035, message: "Invalid Form Body" })
      expect(leaves(rejected)).toEqual([leaf])
    }).pipe(Effect.provide(DiscordSimulator.layerTestWith(withoutLimits))),
  )
