import { it } from "@effect/vitest"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import { DiscordSimulator } from "../../src/testing/index.js"

/** A test with its own simulator, at 1970 on a `TestClock`. */
export const simulatorTest = <E>(
  name: string,
  options: DiscordSimulator.Options,
  test: (
    simulator: DiscordSimulator.Service,
  ) => Effect.Effect<void, E, DiscordSimulator.DiscordSimulator | HttpClient.HttpClient>,
): void =>
  it.effect(name, () =>
    Effect.flatMap(DiscordSimulator.DiscordSimulator, test).pipe(
      Effect.provide(DiscordSimulator.layerTestWith(options)),
    ),
  )
