/** Bun has no undici: the layer's error names what to provide instead. Runs where Bun is on the path. */
import { execFileSync, spawnSync } from "node:child_process"
import { resolve } from "node:path"
import { Agent } from "@effect/platform-node/Undici"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { NodeDiscord } from "../../src/node/index.js"

const bun = spawnSync("bun", ["--version"], { encoding: "utf8" }).stdout as string | null

it.effect("a runtime whose undici does nothing gets an error that names the way out", () =>
  Effect.acquireUseRelease(
    Effect.sync(() =>
      Object.defineProperty(Agent.prototype, "dispatch", { value: undefined, configurable: true }),
    ),
    () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(NodeDiscord.layer)))
        expect(error._tag).toBe("DiscordConfigurationError")
        expect(error.message).toContain("FetchHttpClient.layer")
      }),
    // What it inherits is there again.
    (prototype) => Effect.sync(() => Reflect.deleteProperty(prototype, "dispatch")),
  ),
)

it.skipIf(bun === null)("Bun gets it", () => {
  const program = `
    import * as Effect from "effect/Effect"
    import * as Layer from "effect/Layer"
    import { NodeDiscord } from "./src/node/index.ts"
    const failed = Layer.build(NodeDiscord.layer).pipe(Effect.scoped, Effect.flip)
    console.log((await Effect.runPromise(failed)).message)
  `
  const cwd = resolve(import.meta.dirname, "../..")
  expect(execFileSync("bun", ["-e", program], { cwd, encoding: "utf8" })).toContain(
    "FetchHttpClient.layer",
  )
})
