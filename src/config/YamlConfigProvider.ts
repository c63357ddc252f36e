/**
 * Effect's `Config` from YAML, for any program: `Config.integer("port")` nested in `"server"` reads the key
 * `port` of the mapping `server`.
 *
 * @since 0.1.0
 * @module
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DiscordConfigurationError } from "../error/ConfigurationError.js"
import { readText, parse } from "./yaml.js"
/**
 * Parses YAML text. Errors refer to it by `name` and line. A list is read by
 * `Config.array`. Fails on tabs, on a key that is there twice, on unknown tags, on more than 256 kB or
 * 10 000 values, where each use of an alias counts all of its values, and on keys of more than 1000
 * characters together.
 *
 * @example
 * ```ts
 * import { YamlConfigProvider } from "effect-discord"
 * import { Config, Effect } from "effect"
 *
 * const port = Config.integer("port").pipe(Config.nested("server"))
 * const program = Effect.gen(function* () {
 *   const provider = yield* YamlConfigProvider.fromText("server: { port: 8080 }")
 *   return yield* Effect.withConfigProvider(port, provider) // 8080
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromText = (
  text: string,
  name = "YAML",
): Effect.Effect<ConfigProvider.ConfigProvider, DiscordConfigurationError> =>
  Effect.map(parse(text, name), ({ root }) => ConfigProvider.fromJson(root ?? {}))

/**
 * Reads a file. Fails with `DiscordConfigurationError` when it is missing, unreadable or no YAML.
 *
 * @example
 * ```ts
 * import { YamlConfigProvider } from "effect-discord"
 * import { Config, Effect } from "effect"
 *
 * const port = Effect.gen(function* () {
 *   const provider = yield* YamlConfigProvider.fromFile("service.yaml")
 *   return yield* provider.load(Config.integer("port"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = (
  path: string,
): Effect.Effect<ConfigProvider.ConfigProvider, DiscordConfigurationError, FileSystem.FileSystem> =>
  Effect.flatMap(readText(path), (text) => fromText(text, path))

/**
 * Adds the file as a fallback to the current provider (by default the environment).
 *
 * @example
 * ```ts
 * import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
 * import { YamlConfigProvider } from "effect-discord"
 * import { Layer } from "effect"
 *
 * const settings = Layer.provide(YamlConfigProvider.layerFile("app.yaml"), NodeFileSystem.layer)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  path: string,
): Layer.Layer<never, DiscordConfigurationError, FileSystem.FileSystem> =>
  Layer.unwrapEffect(
    Effect.flatMap(fromFile(path), (file) =>
      Effect.configProviderWith((provider) =>
        Effect.succeed(Layer.setConfigProvider(ConfigProvider.orElse(provider, () => file))),
      ),
    ),
  )
