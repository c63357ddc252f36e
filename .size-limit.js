const send = `
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const discord = Layer.mergeAll(FetchHttpClient.layer, RateLimiter.layer, Strategy.layerAdaptive)
const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  yield* Webhook.send(hook, { content: "Deployed." })
}).pipe(RestConfig.withOptions({ timeout: "5 seconds" }))
Effect.runPromise(Effect.provide(program, discord))
`

/**
 * What a bundler takes of a program that sends one message over `fetch`, with the peers, which are
 * most of it.
 *
 * @param {string} imports
 * @returns {(config: import("esbuild").BuildOptions) => import("esbuild").BuildOptions}
 */
const program = (imports) => (config) => ({
  ...config,
  external: [],
  entryPoints: [],
  stdin: { contents: imports + send, resolveDir: "." },
  // The package by its own name, and not its sources, to which our paths lead.
  tsconfigRaw: "{}",
})

const modules = ["RateLimiter", "RestConfig", "Strategy", "Webhook"]
const subpaths = modules.map((name) => `import * as ${name} from "effect-discord/${name}"`)

// oxlint-disable-next-line import/no-default-export -- what size-limit reads
export default [
  {
    name: "send over fetch, with its peers",
    path: "dist/index.js",
    gzip: true,
    limit: "136.3 kB",
    modifyEsbuildConfig: program(subpaths.join("\n")),
  },
  {
    name: "the same, imported from the index",
    path: "dist/index.js",
    gzip: true,
    limit: "143.9 kB",
    modifyEsbuildConfig: program(`import { ${modules.join(", ")} } from "effect-discord"`),
  },
  {
    name: "import { Webhook }, without its peers",
    path: "dist/index.js",
    import: "{ Webhook }",
    gzip: true,
    limit: "41.5 kB",
  },
  {
    name: "everything, without its peers",
    path: "dist/index.js",
    import: "*",
    gzip: true,
    limit: "132.7 kB",
  },
]
