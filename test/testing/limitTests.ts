import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DiscordSimulator } from "../../src/testing/index.js"
import { leaves, send } from "./request.js"

/** A body at a limit, which passes, and one over it, with the path and code of its one mistake. */
export type LimitCase = readonly [limit: string, at: object, over: object, leaf: string]

/** No limits but those on the form. */
export const withoutLimits = { limits: { execute: "none", getWebhook: "none" } } as const

export const x = (length: number) => "x".repeat(length)

export const repeat = <A>(count: number, item: (index: number) => A) =>
  Array.from({ length: count }, (_, index) => item(index))

/** Sent by an application's webhook, which may use everything. */
export const testLimits = (edges: ReadonlyArray<LimitCase>): void =>
  it.effect.each(edges)("%s: the edge passes, one over does not", ([, at, over, leaf]) =>
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.DiscordSimulator
      const hook = yield* simulator.createWebhook({ applicationOwned: true })
      const passed = yield* send(hook, at)
      expect([passed.status, leaves(passed)]).toEqual([200, []])
      const refused = yield* send(hook, over)
      expect(refused.status).toBe(400)
      expect(refused.body).toMatchObject({ code: 50035, message: "Invalid Form Body" })
      expect(leaves(refused)).toEqual([leaf])
    }).pipe(Effect.provide(DiscordSimulator.layerTestWith(withoutLimits))),
  )
