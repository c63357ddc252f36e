/** A project that uses the package as npm would give it: the tarball, installed and run. */
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { blocksOf } from "./blocks.js"
import { root } from "./project.js"

export interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: ReadonlyArray<{ readonly path: string }>
}

/** Serves a simulated Discord, runs the program against it, and tells what is stored then. */
const onSimulator = `
  import { execFile } from "node:child_process"
  import { createServer } from "node:http"
  import { promisify } from "node:util"
  import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
  import * as Effect from "effect/Effect"
  import { DiscordSimulator } from "effect-discord/testing"

  const server = NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })
  const story = Effect.gen(function* () {
    const discord = yield* DiscordSimulator.make()
    const webhook = yield* discord.createWebhook()
    const { baseUrl } = yield* discord.serve
    const env = {
      ...process.env,
      DISCORD_WEBHOOK_URL: webhook.url,
      DISCORD_CLIENT_BASE_URL: baseUrl,
    }
    yield* Effect.promise(() => promisify(execFile)(process.execPath, ["program.mjs"], { env }))
    const messages = yield* discord.messages(webhook)
    console.log(messages.map((message) => message.content).join())
  })
  await Effect.runPromise(Effect.scoped(Effect.provide(story, server)))`

/** Runs a command; its output is shown only when it fails. */
export function run(cwd: string, command: string, ...args: ReadonlyArray<string>): string {
  return runWith({}, cwd, command, ...args)
}

/** The same, with more variables in its environment. */
export function runWith(
  variables: Readonly<Record<string, string>>,
  cwd: string,
  command: string,
  ...args: ReadonlyArray<string>
): string {
  const env = { ...process.env, ...variables }
  try {
    const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"]
    return execFileSync(command, args, { cwd, encoding: "utf8", env, stdio })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error })
  }
}

/** `prepack` builds. */
export function pack(into: string): Packed {
  const [packed] = JSON.parse(
    run(root, "npm", "pack", "--json", "--silent", "--pack-destination", into),
  ) as [Packed]
  return packed
}

export function emptyProject(folder: string): void {
  mkdirSync(folder)
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", version: "1.0.0", private: true, type: "module" }),
  )
}

/** The first program of a document, and the message that it leaves on Discord. */
export interface Program {
  readonly document: string
  readonly leaves: string
}

export const readme: Program = { document: "README.md", leaves: "Deployed." }
export const outboxGuide: Program = {
  document: "docs/guides/outbox.md",
  leaves: "Order 7 was paid",
}

/**
 * Writes a program, word for word but for `layer`, which is `layerEnv` here, so that the environment
 * leads it to the simulator of the same package.
 */
export function writeProgram(folder: string, { document }: Program, name = "program.mjs"): void {
  const [program] = blocksOf(document)
  if (program === undefined) throw new Error(`${document} has no program`)
  const configured = program.code.replace("NodeDiscord.layer)", "NodeDiscord.layerEnv)")
  if (configured === program.code) throw new Error(`${document} does not provide NodeDiscord.layer`)
  const { outputText } = ts.transpileModule(configured, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  })
  writeFileSync(join(folder, name), outputText)
}

/** Runs `program.mjs` in plain Node against the simulator; returns the messages that are stored. */
export function runProgram(folder: string): string {
  writeFileSync(join(folder, "onSimulator.mjs"), onSimulator)
  return run(folder, process.execPath, "onSimulator.mjs").trim()
}
