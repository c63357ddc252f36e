/** One program, configured by a file and by variables. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { DiscordConfig, RestConfig, Webhook } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import type { Transport } from "./environment.js"

/** Sends to the configured webhook. */
const program = Effect.gen(function* () {
  const hook = yield* DiscordConfig.webhook
  const message = yield* Webhook.send(hook, { content: "hello" })
  const edited = yield* Webhook.editMessage(hook, message.id, { content: "bye" })
  return edited.content
})

export const configured = (transport: Transport): void => {
  /** Runs the program with this file, whose `BASE` and `HOOK` are those of the simulator. */
  const run = (yaml: string, variables: Readonly<Record<string, string>>) =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const webhook = yield* discord.createWebhook()
      const { baseUrl } = yield* RestConfig.RestConfig
      const files = yield* FileSystem.FileSystem
      const path = `${yield* files.makeTempDirectoryScoped()}/discord.yaml`
      yield* files.writeFileString(path, yaml.replace("BASE", baseUrl).replace("HOOK", webhook.url))
      // As in a program, no settings but those of the file.
      const content = yield* program.pipe(
        Effect.provide(DiscordConfig.layerFile(path)),
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))),
      )
      const messages = yield* discord.messages(webhook)
      return { content, stored: messages.map((message) => message["content"]) }
    }).pipe(Effect.provide([transport({}), NodeFileSystem.layer]))

  const yaml = "client:\n  base_url: BASE\n  webhook_url: HOOK\n"

  describe("a configured program", () => {
    it.scopedLive("posts to the webhook of its file", () =>
      Effect.gen(function* () {
        expect(yield* run(yaml, {})).toEqual({ content: "bye", stored: ["bye"] })
      }),
    )

    it.scopedLive("posts nothing when a variable sets dry_run, and succeeds", () =>
      Effect.gen(function* () {
        expect(
          yield* run(yaml, { DISCORD_CLIENT_DRY_RUN: "true", DISCORD_LOGGING_LEVEL: "none" }),
        ).toEqual({
          content: "bye",
          stored: [],
        })
      }),
    )

    it.scopedLive("does not start when a variable is wrong", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(run(yaml, { DISCORD_CLIENT_DRY_RUN: "perhaps" }))
        expect(error).toMatchObject({ _tag: "DiscordConfigurationError" })
      }),
    )
  })
}
