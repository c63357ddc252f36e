/** Broadcasts, sinks and loggers, over any transport. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { DiscordLogger, FileUpload, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { contents, newHook, texts } from "../scenarios/harness.js"
import type { Transport, TestEnvironment } from "./environment.js"

export const programs = (transport: Transport): void => {
  const story = <E>(
    name: string,
    test: (discord: DiscordSimulator.Service) => Effect.Effect<void, E, TestEnvironment>,
  ): void =>
    it.live(name, () =>
      Effect.flatMap(DiscordSimulator.DiscordSimulator, test).pipe(
        Effect.provide([transport({}), Logger.remove(Logger.defaultLogger)]),
      ),
    )

  const embedsIn = (
    discord: DiscordSimulator.Service,
    webhook: DiscordSimulator.SimulatedWebhook,
  ) =>
    Effect.map(discord.messages(webhook), (messages) =>
      messages.map(({ embeds }) =>
        (embeds as ReadonlyArray<{ description: string }>).map(({ description }) => description),
      ),
    )

  describe("programs", () => {
    story("a broadcast brings text and files to each, and reports the dead", (discord) =>
      Effect.gen(function* () {
        const hooks = yield* Effect.replicateEffect(newHook(discord), 12)
        const [gone, ...alive] = hooks
        yield* discord.deleteWebhook(gone!.made)
        const { dead, results } = yield* Webhook.broadcast(
          hooks.map(({ hook }) => hook),
          { content: "hello", files: [FileUpload.fromText("a.txt", "hello")] },
        )
        expect(dead).toEqual([gone!.hook])
        expect(results.map(({ exit }) => Exit.isSuccess(exit))).toEqual([
          false,
          ...alive.map(() => true),
        ])
        for (const { made } of alive) {
          expect(yield* discord.messages(made)).toMatchObject([
            { content: "hello", attachments: [{ filename: "a.txt", size: 5 }] },
          ])
        }
      }),
    )

    story("a sink keeps the order, and delivers what came before an error", (discord) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(discord)
        const source = Stream.fromIterable(texts(30)).pipe(
          Stream.map((content) => ({ content })),
          Stream.concat(Stream.fail("broken" as const)),
        )
        expect(yield* Effect.flip(Stream.run(source, Webhook.sink(hook)))).toBe("broken")
        expect(contents(yield* discord.messages(made))).toEqual(texts(30))
      }),
    )

    story("a sink puts embeds together, ten at a time", (discord) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(discord)
        const source = Stream.map(Stream.fromIterable(texts(25)), (description) => ({
          embeds: [{ description }],
        }))
        // Nobody waits for the window: a batch is full, or the stream is at its end.
        expect(yield* Stream.run(source, Webhook.sink(hook, { batchWithin: "1 hour" }))).toBe(25)
        const stored = yield* embedsIn(discord, made)
        expect(stored.flat()).toEqual(texts(25))
        expect(stored).toHaveLength(3)
      }),
    )

    story("a logger posts what was logged before the program's end", (discord) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(discord)
        yield* Effect.forEach(texts(12), (text) => Effect.logError(text)).pipe(
          Effect.provide(DiscordLogger.layer(hook, { window: "1 hour" })),
        )
        const stored = yield* embedsIn(discord, made)
        expect(stored.flat()).toEqual(texts(12).map((text) => `\`\`\`\n${text}\n\`\`\``))
        expect(stored).toHaveLength(2)
      }),
    )

    story("a logger counts and reports entries lost with a connection", (discord) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(discord)
        yield* discord.inject(Fault.resetAfter)
        yield* Effect.forEach(texts(12), (text) => Effect.logError(text)).pipe(
          Effect.provide(DiscordLogger.layer(hook, { window: "1 hour" })),
        )
        // The first ten arrived, but nobody could know.
        const [, second = []] = yield* embedsIn(discord, made)
        expect(second).toEqual(["```\nm10\n```", "```\nm11\n```"])
        const last = (yield* embedsIn(discord, made)).at(-1)
        expect(last).toEqual(["10: 10 could not be sent."])
      }),
    )
  })
}
