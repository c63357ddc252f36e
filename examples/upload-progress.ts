/**
 * Draws a progress bar for an upload. The file is streamed while it is sent.
 *
 *     npx tsx examples/upload-progress.ts
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { FileUpload, Webhook } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

const mebibyte = 1024 * 1024
const columns = 32

/** Redraws one line on a terminal; prints a line for each quarter otherwise. */
const bar = Effect.gen(function* () {
  const shown = yield* Ref.make(-1)
  const isTerminal = process.stdout.isTTY
  const steps = isTerminal ? columns : 4
  return ({ attempt, file, sent, total }: FileUpload.Progress) =>
    Effect.gen(function* () {
      const step = Math.floor((steps * sent) / total)
      if ((yield* Ref.getAndSet(shown, step)) === step) return
      const full = Math.floor((columns * sent) / total)
      const drawn = "█".repeat(full) + "░".repeat(columns - full)
      const again = attempt === 1 ? "" : ` (attempt ${attempt})`
      const line = `  ${file} ${drawn} ${(sent / mebibyte).toFixed(1)} MiB${again}`
      if (isTerminal) process.stdout.write(`\r${line}${sent === total ? "\n" : ""}`)
      else yield* Console.log(line)
    })
})

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  const disk = yield* FileSystem.FileSystem
  const path = `${yield* disk.makeTempDirectoryScoped()}/video.mp4`
  yield* disk.writeFile(path, new Uint8Array(6 * mebibyte))

  const video = yield* FileUpload.fromPath(path)
  const message = yield* Webhook.send(hook, { content: "The recording", files: [video] }).pipe(
    FileUpload.withProgress(yield* bar),
  )
  for (const { contentType, filename, size } of message.attachments) {
    yield* Console.log(`Discord has ${filename}: ${contentType}, ${size} bytes`)
  }
  yield* Webhook.deleteMessage(hook, message.id)
}).pipe(Effect.scoped)

program.pipe(
  Effect.provide([Layer.provideMerge(printTraffic, discord), NodeFileSystem.layer]),
  NodeRuntime.runMain,
)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//   video.mp4 ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 0.0 MiB
//   video.mp4 ████████░░░░░░░░░░░░░░░░░░░░░░░░ 1.5 MiB
//   video.mp4 ████████████████░░░░░░░░░░░░░░░░ 3.0 MiB
//   video.mp4 ████████████████████████░░░░░░░░ 4.5 MiB
//   video.mp4 ████████████████████████████████ 6.0 MiB
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
// Discord has video.mp4: video/mp4, 6291456 bytes
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   3 of 5 left
