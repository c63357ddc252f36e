/**
 * Sends files from text, bytes and a path, shows one in an embed, edits them, and fails with one that
 * is too large.
 *
 *     npx tsx examples/files.ts
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FileUpload, Webhook } from "effect-discord"
import type { Message } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

/** A picture of one pixel, in place of a chart. */
const picture = Uint8Array.from(
  atob("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="),
  (character) => character.charCodeAt(0),
)

const list = ({ attachments }: Message.Message) =>
  Effect.forEach(attachments, ({ description = "", filename, size }) =>
    Console.log(`  ${filename}, ${size} bytes ${description}`.trimEnd()),
  )

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  const disk = yield* FileSystem.FileSystem
  const folder = yield* disk.makeTempDirectoryScoped()
  yield* disk.writeFileString(`${folder}/build log.txt`, "42 tests passed\n")

  yield* Console.log("\nSend three files; one of them is the picture of the embed")
  const chart = FileUpload.fromBytes("chart of today.gif", picture, {
    description: "Requests per second, rising",
  })
  const log = yield* FileUpload.fromPath(`${folder}/build log.txt`)
  const message = yield* Webhook.send(hook, {
    content: "Built.",
    embeds: [{ title: "Load", image: { url: FileUpload.attachmentUrl(chart) } }],
    files: [chart, log, FileUpload.fromText("versions.json", '{"shop-api":"1.4.0"}')],
  })
  yield* list(message)

  yield* Console.log(
    "Edit them: remove the log, keep the versions with a description, add a summary",
  )
  const stays = message.attachments.filter(({ filename }) => filename === "versions.json")
  const edited = yield* Webhook.editMessage(hook, message.id, {
    embeds: null,
    files: [
      ...stays.map((file) => ({ ...file, description: "Deployed versions" })),
      FileUpload.fromText("summary.md", "# All is well"),
    ],
  })
  yield* list(edited)

  yield* Console.log("Send a file that is too large: this fails before sending")
  const large = FileUpload.fromBytes("backup.zip", new Uint8Array(9 * 1024 * 1024))
  yield* Webhook.send(hook, { files: [large] }).pipe(
    Effect.catchTag("WebhookFileError", (error) =>
      Console.log(
        `  ${error.file} has ${error.size} bytes of ${error.limit}; "${error.preset}" allows it`,
      ),
    ),
  )

  yield* Console.log("Delete the message")
  yield* Webhook.deleteMessage(hook, message.id)
}).pipe(Effect.scoped)

program.pipe(
  Effect.provide([Layer.provideMerge(printTraffic, discord), NodeFileSystem.layer]),
  NodeRuntime.runMain,
)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Send three files; one of them is the picture of the embed
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   build_log.txt, 16 bytes
//   versions.json, 20 bytes
// Edit them: remove the log, keep the versions with a description, add a summary
//   PATCH  /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 200   3 of 5 left
//   versions.json, 20 bytes Deployed versions
//   summary.md, 13 bytes
// Send a file that is too large: this fails before sending
//   backup.zip has 9437184 bytes of 8388608; "discord" allows it
// Delete the message
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   2 of 5 left
