/** YAML on demand: its parser is loaded with the first text, so a program without one never loads it. */
import * as Effect from "effect/Effect"
import type { ConfigurationError } from "../error/ConfigurationError.js"
import type { Tree } from "./yaml.js"

/** `name` is what the text is called in errors. */
export const parse = (text: string, name: string): Effect.Effect<Tree, ConfigurationError> =>
  Effect.flatMap(
    Effect.promise(() => import("./yaml.js")),
    (yaml) => yaml.parse(text, name),
  )
